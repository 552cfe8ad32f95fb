"""Is what a carrier's own SDK signed for the public URL taken, and anything else refused?

The gateway listens on another scheme, host, port and path than the carrier knows, as it does
behind a proxy; requests come in over its real public listener.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from voicecall_conformance.phones import CarrierNetwork
from voicecall_conformance.phones.gateway import BOB, NUMBER, Gateway, Scene, gateway_on

PUBLIC = "https://voice.example.com:8443/line1/voice/webhook"
QUERY = "line=1&name=a%20b"
SIGNED_FOR = f"{PUBLIC}?{QUERY}"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a carrier sends: signed for `signed_for`, delivered with `query` and `body`."""

    signed_for: str = SIGNED_FOR
    query: str = QUERY
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def twilio(network: Any, signed_for: str) -> Request:
    """Somebody calls, signed by Twilio's SDK."""
    from twilio.request_validator import RequestValidator

    account = network.section()
    fields = {
        "AccountSid": account["accountSid"],
        "CallSid": f"CA{uuid4().hex}",
        "From": BOB,
        "To": NUMBER,
        "CallStatus": "ringing",
        "Direction": "inbound",
    }
    signature = RequestValidator(account["authToken"]).compute_signature(signed_for, fields)
    headers = (("content-type", FORM), ("x-twilio-signature", str(signature)))
    return Request(signed_for=signed_for, body=urlencode(fields).encode(), headers=headers)


def plivo(network: Any, signed_for: str) -> Request:
    """Somebody calls, signed by Plivo's SDK."""
    from plivo.utils.signature_v3 import construct_post_url, get_signature_v3

    account, nonce = network.section(), uuid4().hex
    fields = {
        "CallUUID": str(uuid4()),
        "From": BOB.removeprefix("+"),
        "To": NUMBER.removeprefix("+"),
        "CallStatus": "ringing",
        "Direction": "inbound",
        "Event": "StartApp",
    }
    text = construct_post_url(signed_for, fields).decode()
    signature = get_signature_v3(account["authToken"].encode(), text, nonce.encode()).decode()
    headers = (
        ("content-type", FORM),
        ("x-plivo-signature-v3", signature),
        ("x-plivo-signature-v3-nonce", nonce),
    )
    return Request(signed_for=signed_for, body=urlencode(fields).encode(), headers=headers)


def telnyx(network: Any, signed_for: str) -> Request:
    """A call that is over, signed by PyNaCl, with which Telnyx's SDK verifies.

    Signed are time and body, but no URL.
    """
    from nacl.signing import SigningKey

    payload = {
        "call_control_id": f"v3:{uuid4().hex}",
        "call_leg_id": str(uuid4()),
        "call_session_id": str(uuid4()),
        "from": BOB,
        "to": NUMBER,
        "hangup_cause": "normal_clearing",
        "hangup_source": "caller",
    }
    report = {"event_type": "call.hangup", "id": str(uuid4()), "payload": payload}
    body, stamp = json.dumps({"data": {"record_type": "event", **report}}).encode(), time.time()
    key = SigningKey(network.key.private_bytes_raw())
    signature = key.sign(f"{stamp:.0f}|".encode() + body).signature
    headers = (
        ("content-type", "application/json"),
        ("telnyx-signature-ed25519", base64.b64encode(signature).decode()),
        ("telnyx-timestamp", f"{stamp:.0f}"),
    )
    return Request(signed_for=signed_for, body=body, headers=headers)


CARRIERS = {"twilio": twilio, "telnyx": telnyx, "plivo": plivo}
SIGNS_THE_URL = ("twilio", "plivo")
NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@contextmanager
def listening(network_type: type[CarrierNetwork], directory: Path) -> Iterator[tuple[Any, Any]]:
    """A gateway in a thread of its own; whoever calls is welcome."""
    scene = Scene(public_url=PUBLIC, changes={"inboundPolicy": "open"})
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(gateway_on(network_type, scene, directory)) as both,
    ):
        yield portal, both[0]


def delivered(gateway: Gateway, request: Request) -> int:
    """The status that the public listener answers, asked by its inner address."""
    public = gateway.running.public
    url = f"http://{public.host}:{public.port}/voice/webhook?{request.query}"
    headers = [*request.headers, ("host", "10.0.0.7:3334")]
    return httpx.post(url, content=request.body, headers=headers, timeout=20).status_code


def known(portal: BlockingPortal, gateway: Gateway) -> list[Any]:
    """Everything that the store has of calls."""
    return list(portal.call(gateway.service.history, 1000))


@st.composite
def other_urls(draw: st.DrawFn) -> str:
    """The signed URL with one of scheme, host, port, path or query changed."""
    part = draw(st.sampled_from(["scheme", "host", "port", "path", "query"]))
    if part == "scheme":
        return SIGNED_FOR.replace("https:", "http:")
    if part == "host":
        return SIGNED_FOR.replace("voice.example.com", f"{draw(NAMES)}.example.com", 1)
    if part == "port":
        return SIGNED_FOR.replace(":8443", f":{draw(st.integers(1, 65535))}")
    if part == "path":
        return SIGNED_FOR.replace("/line1", f"/{draw(NAMES)}")
    return f"{PUBLIC}?{draw(NAMES)}={draw(NAMES)}"


@st.composite
def changed(draw: st.DrawFn, request: Request) -> Request:
    """A signed request that was changed on its way: query, one parameter, or one byte."""
    what = draw(st.sampled_from(["query", "byte", "parameter"]))
    if what == "query":
        return replace(request, query=f"{QUERY}&{draw(NAMES)}={draw(NAMES)}")
    if what == "parameter":
        return replace(request, body=request.body + f"&{draw(NAMES)}={draw(NAMES)}".encode())
    at = draw(st.integers(0, len(request.body) - 1))
    byte = bytes([draw(st.integers(0, 255))])
    return replace(request, body=request.body[:at] + byte + request.body[at + 1 :])


def says_the_same(body: bytes, other: bytes, *, form: bool) -> bool:
    """Whether nothing was changed that is signed: forms are signed decoded, field by field."""
    if not form:
        return body == other
    fields, others = (
        parse_qsl(each.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
        for each in (body, other)
    )
    return fields == others


def test_acceptance_11_what_the_sdk_signed_for_the_public_url_is_taken_and_no_change_of_it(
    network_type: type[CarrierNetwork], tmp_path: Path
) -> None:
    name = network_type.name
    with listening(network_type, tmp_path) as (portal, gateway):
        network = gateway.network

        @given(data=st.data())
        @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
        def holds(data: st.DataObject) -> None:
            request = CARRIERS[name](network, SIGNED_FOR)
            if name in SIGNS_THE_URL and data.draw(st.booleans()):
                url = data.draw(other_urls())
                assume(url != SIGNED_FOR)
                forged = replace(CARRIERS[name](network, url), query=QUERY)
            else:
                forged = data.draw(changed(request))
                form = name in SIGNS_THE_URL
                same = says_the_same(request.body, forged.body, form=form)
                assume(not same or (form and forged.query != QUERY))
            before = known(portal, gateway)
            assert delivered(gateway, forged) == 401
            assert known(portal, gateway) == before

        assert delivered(gateway, CARRIERS[name](network, SIGNED_FOR)) == 200
        calls = known(portal, gateway)
        assert len(calls) == (name in SIGNS_THE_URL)
        for call in calls:  # what is over changes no more by itself
            portal.call(gateway.service.end, call.call_id)
            portal.call(gateway.until_over, call.call_id)
        holds()
        assert delivered(gateway, CARRIERS[name](network, SIGNED_FOR)) == 200
