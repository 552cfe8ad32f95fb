"""Does the verifier agree with Plivo's SDK, and refuse what the SDK lets through?"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plivo.utils import validate_signature, validate_v3_signature

from voicecall.sdk import (
    CarrierEvent,
    HttpReply,
    Instruction,
    SignatureInvalid,
    StreamOpening,
    StreamToken,
    SystemClock,
    WebhookRequest,
    new_call_id,
)
from voicecall.webhooks.gate import Gate
from voicecall_plivo import signatures
from voicecall_plivo.double.signing import handshake_headers, signed_headers

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors.json").read_text(encoding="utf-8")
)["cases"]
FORM = ("content-type", "application/x-www-form-urlencoded")
TOKEN = "my_auth_token"


def request_of(case: dict[str, Any]) -> WebhookRequest:
    return WebhookRequest(
        method=case["method"],
        url=case["url"],
        hook="",
        query_string=urlsplit(case["url"]).query,
        headers=tuple((name.lower(), value) for name, value in case["headers"]),
        body=base64.b64decode(case["body"]),
        received_at=0.0,
    )


def judge(case: dict[str, Any]) -> str | None:
    """The replay key that the case is accepted with, None when it is refused."""
    allow_v2 = bool((case.get("options") or {}).get("allow_v2"))
    request = request_of(case)
    try:
        if not case.get("websocket"):
            webhook = signatures.verify(request, token=case["secret"], allow_v2=allow_v2)
            return webhook.replay_key
        opening = StreamOpening(
            call_id=new_call_id(),
            token=StreamToken("t"),
            url=case["url"],
            headers=request.headers,
        )
        signatures.verify_stream(opening, token=case["secret"], allow_v2=allow_v2)
    except SignatureInvalid:
        return None
    return "stream"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_vector_is_judged_as_published(case: dict[str, Any]) -> None:
    key = judge(case)
    seen = {f"v3:{nonce}" for nonce in case.get("seen_nonces") or ()}
    fresh = key is not None and key not in seen
    assert fresh is case["expected"], case["why"]


@dataclass
class Desk:
    """Counts what was applied."""

    applied: list[CarrierEvent] = field(default_factory=list)

    async def apply(self, events: Sequence[CarrierEvent]) -> Sequence[Instruction]:
        self.applied += events
        return ()


def exchange(provider: Any, *requests: WebhookRequest) -> tuple[list[HttpReply], Desk]:
    desk = Desk()

    async def run() -> list[HttpReply]:
        gate = Gate(provider, desk, SystemClock())
        return [await gate.handle(request) for request in requests]

    return anyio.run(run), desk


def test_a_nonce_that_comes_again_gets_the_same_answer_and_has_no_effect(
    provider: Any, callback: Any, urls: Any
) -> None:
    fields = {"CallUUID": "c1", "From": "14155550100", "To": "14155550199", "Event": "StartApp"}
    request = callback(urls.webhook(), fields)
    replies, desk = exchange(provider, request, request, request)
    assert replies[0].status == 200 and replies == [replies[0]] * 3
    assert len(desk.applied) == 1


def test_a_nonce_that_comes_again_with_another_body_is_refused(
    provider: Any, callback: Any, urls: Any
) -> None:
    fields = {"CallUUID": "c1", "From": "14155550100", "To": "14155550199", "Event": "StartApp"}
    first = callback(urls.webhook(), fields)
    second = callback(urls.webhook(), {**fields, "CallUUID": "c2"})
    replies, desk = exchange(provider, first, second)
    assert [reply.status for reply in replies] == [200, 401]
    assert len(desk.applied) == 1


def test_a_retry_with_a_fresh_nonce_gets_the_same_answer_and_has_no_effect(
    provider: Any, callback: Any, urls: Any
) -> None:
    fields = {"CallUUID": "c1", "From": "14155550100", "To": "14155550199", "Event": "StartApp"}
    first = callback(urls.webhook(), fields, nonce="1")
    retry = callback(urls.webhook(), fields, nonce="2")
    replies, desk = exchange(provider, first, retry)
    assert replies[0].status == 200 and replies == [replies[0]] * 2
    assert len(desk.applied) == 1


HOSTS = st.sampled_from(
    ["voice.example.com", "voice.example.com:8443", "voice.example.com:443", "127.0.0.1:80"]
)
PATHS = st.text(st.sampled_from("abcXYZ019-_.~/%"), max_size=20).map(
    lambda text: "/" + quote(text, safe="/")
)
ASCII = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
QUERIES = st.lists(st.tuples(ASCII, ASCII), max_size=4)
FORMS = st.dictionaries(TEXT, TEXT | st.lists(TEXT, min_size=1, max_size=3), max_size=6)
METHODS = st.sampled_from(["GET", "POST"])


@given(METHODS, st.sampled_from(["http", "https"]), HOSTS, PATHS, QUERIES, FORMS, ASCII, ASCII)
def test_what_the_sdk_signs_is_accepted_and_a_change_is_not(
    method: str,
    scheme: str,
    host: str,
    path: str,
    query: list[tuple[str, str]],
    form: dict[str, Any],
    token: str,
    nonce: str,
) -> None:
    token, nonce = f"t{token}", f"n{nonce}n"
    url = f"{scheme}://{host}{path}" + (f"?{urlencode(query)}" if query else "")
    body = urlencode(form, doseq=True).encode() if method == "POST" else b""
    fields = dict(form) if body else {}
    signed = signed_headers(token=token, method=method, url=url, nonce=nonce, form=fields)
    signature = signed["x-plivo-signature-v3"]
    assert validate_v3_signature(method, url, nonce, token, signature, dict(fields))
    request = WebhookRequest(
        method=method,
        url=url,
        hook="",
        query_string=urlsplit(url).query,
        headers=(*signed.items(), FORM),
        body=body,
        received_at=0.0,
    )
    assert signatures.verify(request, token=token, allow_v2=False).replay_key == f"v3:{nonce}"
    for wrong in (
        {"url": f"{url}x"},
        {"url": url.replace(scheme, "ftp", 1)},
        {"body": body + b"&zz=1", "method": "POST"},
    ):
        with pytest.raises(SignatureInvalid):
            signatures.verify(replace(request, **wrong), token=token, allow_v2=False)


@given(st.sampled_from(["ws", "wss"]), HOSTS, PATHS, QUERIES)
def test_a_handshake_that_the_sdk_signs_is_accepted(
    scheme: str, host: str, path: str, query: list[tuple[str, str]]
) -> None:
    url = f"{scheme}://{host}{path}" + (f"?{urlencode(query)}" if query else "")
    headers = handshake_headers(token=TOKEN, url=url, nonce="17")
    opening = StreamOpening(
        call_id=new_call_id(), token=StreamToken("t"), url=url, headers=tuple(headers.items())
    )
    signatures.verify_stream(opening, token=TOKEN, allow_v2=False)


@given(st.sampled_from(["http", "https"]), HOSTS, PATHS, ASCII)
def test_v2_agrees_with_the_sdk_where_it_is_allowed(
    scheme: str, host: str, path: str, nonce: str
) -> None:
    nonce = f"n{nonce}n"
    url = f"{scheme}://{host}{path}"
    claim = signatures.Claim(version="v2", nonce=nonce, signatures=())
    text = signatures.signed_text(claim, url)
    assert text is not None
    digest = hmac.digest(TOKEN.encode(), text, "sha256")
    signature = base64.b64encode(digest).decode()
    assert validate_signature(url, nonce, signature, TOKEN)


@pytest.mark.parametrize(
    "junk", ["%%%", "AAAA", "=", "é", "電話", "\ud800", "\x00", "x" * 100_000, ","]
)
def test_what_is_no_signature_is_refused_and_nothing_worse(junk: str) -> None:
    for name in (*signatures.V3_HEADERS, *signatures.V2_HEADERS):
        headers = (
            (name, junk),
            ("x-plivo-signature-v3-nonce", "1"),
            ("x-plivo-signature-v2-nonce", "1"),
        )
        request = WebhookRequest(
            method="POST",
            url="https://voice.example.com/x",
            hook="",
            query_string="",
            headers=headers,
            body=b"",
            received_at=0.0,
        )
        with pytest.raises(SignatureInvalid):
            signatures.verify(request, token=TOKEN, allow_v2=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "no url",
        "https:///x",
        "https://[::1/x",
        "https://voice.example.com:99999/x",
        "https://voice.example.com:x/x",
        "https://voice.example.com/x?%ff=1",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_nothing_worse(url: str) -> None:
    headers = signed_headers(
        token=TOKEN, method="GET", url="https://voice.example.com/x", nonce="1"
    )
    request = WebhookRequest(
        method="GET",
        url=url,
        hook="",
        query_string="",
        headers=tuple(headers.items()),
        body=b"",
        received_at=0.0,
    )
    with pytest.raises(SignatureInvalid):
        signatures.verify(request, token=TOKEN, allow_v2=False)
