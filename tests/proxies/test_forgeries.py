"""Behind a real proxy, is what the carrier signed taken, and everything else refused?

Requests are signed by the vendor's own SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4
from xml.etree import ElementTree

import anyio
import httpx
import pytest
from anyio.streams.tls import TLSStream
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from voicecall_conformance.phones.gateway import BOB, NUMBER

pytestmark = pytest.mark.anyio

OPEN = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}
TRUSTING = {
    **OPEN,
    "webhookSecurity": {"trustForwardingHeaders": True, "trustedProxyIPs": ["127.0.0.1/32"]},
}
SUSPICIOUS = {
    **OPEN,
    "webhookSecurity": {"trustForwardingHeaders": True, "trustedProxyIPs": ["203.0.113.9"]},
}
OTHER = "https://other.example.com/line1/voice/webhook"
REQUESTS = 20
FORGED = {
    "x-forwarded-host": "other.example.com",
    "x-forwarded-proto": "https",
    "x-forwarded-port": "443",
    "x-forwarded-for": "127.0.0.1",
    "forwarded": "for=127.0.0.1;host=other.example.com;proto=https",
    "x-real-ip": "127.0.0.1",
}


def token_of(gateway: Any) -> str:
    return str(gateway.network.section()["authToken"])


def offer() -> dict[str, str]:
    """Somebody calls us."""
    return {
        "CallSid": f"CA{uuid4().hex}",
        "ApiVersion": "2010-04-01",
        "From": BOB,
        "To": NUMBER,
        "CallStatus": "ringing",
        "Direction": "inbound",
    }


def signed(url: str, fields: Mapping[str, str], *, token: str) -> dict[str, str]:
    """The headers of a request that the carrier signed for `url`."""
    bare = url.replace(f":{httpx.URL(url).port}", "")
    return {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": RequestValidator(token).compute_signature(bare, dict(fields)),
    }


async def post(
    front: Any,
    gateway: Any,
    *,
    signed_for: str,
    to: str | None = None,
    key: str | None = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> httpx.Response:
    """Knock at the proxy as the carrier does."""
    fields = offer() | {"AccountSid": str(gateway.network.section()["accountSid"])}
    sent = signed(signed_for, fields, token=key or token_of(gateway)) | dict(headers or {})
    async with front.client(**options) as client:
        return await client.post(to or front.webhook_url, content=urlencode(fields), headers=sent)


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
async def test_what_is_signed_for_the_public_url_is_accepted(
    start: Any, front: Any, http2: bool
) -> None:
    async with start("twilio", changes=OPEN) as gateway:
        reply = await post(front, gateway, signed_for=front.webhook_url, http2=http2)
        assert (reply.status_code, reply.http_version) == (200, "HTTP/2" if http2 else "HTTP/1.1")
        stream = ElementTree.fromstring(reply.text).find("Connect/Stream")
        assert stream is not None and stream.get("url", "").startswith(front.stream_url + "/")


async def test_a_wrong_key_or_another_url_is_refused(start: Any, front: Any) -> None:
    url = front.webhook_url
    async with start("twilio", changes=OPEN) as gateway:
        assert (await post(front, gateway, signed_for=url, key="x" * 32)).status_code == 401
        for other in (
            OTHER,
            url.replace("https:", "http:"),
            url.replace("/line1", ""),
            url.replace("/line1", "/line2"),
            url + "?a=1",
            f"http://127.0.0.1:{front.ports.serve}/voice/webhook",
        ):
            assert (await post(front, gateway, signed_for=other)).status_code == 401, other
        changed = await post(front, gateway, signed_for=url, to=url + "?a=1")
        assert changed.status_code == 401
        assert not await gateway.service.history(10)


@pytest.mark.parametrize(
    "changes", [OPEN, SUSPICIOUS, TRUSTING], ids=["off", "another-proxy", "this-proxy"]
)
async def test_acceptance_12_forged_forwarding_headers_do_not_help_whoever_is_trusted(
    start: Any, front: Any, changes: dict[str, Any]
) -> None:
    async with start("twilio", changes=changes) as gateway:
        forged = await post(front, gateway, signed_for=OTHER, headers=FORGED)
        assert forged.status_code == 401
        for headers in ({"x-forwarded-host": "other.example.com"}, {"x-forwarded-port": "8443"}):
            again = await post(front, gateway, signed_for=OTHER, headers=headers)
            assert again.status_code == 401, headers
        kept = await post(front, gateway, signed_for=front.webhook_url, headers=FORGED)
        assert kept.status_code == 200


async def test_who_goes_around_the_proxy_is_no_proxy(start: Any, front: Any) -> None:
    direct = f"http://127.0.0.1:{front.ports.serve}/voice/webhook"
    async with start("twilio", changes=SUSPICIOUS) as gateway:
        reply = await post(front, gateway, signed_for=OTHER, to=direct, headers=FORGED)
        assert reply.status_code == 401
        reply = await post(front, gateway, signed_for=front.webhook_url, to=direct)
        assert reply.status_code == 200


async def test_another_public_name_counts_when_the_proxy_that_tells_it_is_trusted(
    start: Any, front: Any
) -> None:
    headers = {"host": "other.example.com"}
    for changes, status in ((OPEN, 401), (SUSPICIOUS, 401), (TRUSTING, 200)):
        async with start("twilio", changes=changes) as gateway:
            reply = await post(front, gateway, signed_for=OTHER, headers=headers)
            assert reply.status_code == status, changes


async def test_a_name_or_path_that_is_not_ours_does_not_reach_the_gateway(
    start: Any, front: Any
) -> None:
    base = f"https://localhost:{front.ports.front}"
    async with start("twilio", changes=TRUSTING) as gateway:
        stranger = {"host": "stranger.example.com"}
        url = "https://stranger.example.com/line1/voice/webhook"
        reply = await post(front, gateway, signed_for=url, headers=stranger)
        assert "Response" not in reply.text
        for path in (
            "/voice/webhook",
            "/line1/voice",
            "/line1/rpc",
            "/line1/voice/../healthz",
            "/line1/voice/webhook/../../healthz",
            "/line1/voice/webhook/%2e%2e/%2e%2e/healthz",
            "/metrics",
            "/line1//voice/webhook",
        ):
            reply = await post(front, gateway, signed_for=base + path, to=base + path)
            assert reply.status_code in (301, 400, 401, 404), path
        assert not await gateway.service.history(10)


async def test_a_handshake_needs_its_own_signature(start: Any, front: Any) -> None:
    async with start("twilio", changes=OPEN) as gateway:
        reply = await post(front, gateway, signed_for=front.webhook_url)
        stream = ElementTree.fromstring(reply.text).find("Connect/Stream")
        assert stream is not None
        url = stream.attrib["url"]
        sign = RequestValidator(token_of(gateway)).compute_signature
        public = url.replace(f":{front.ports.front}", "")
        for signature in (
            None,
            "AAAA",
            sign(public.replace("wss:", "https:").replace("/line1", ""), {}),
            sign(f"ws://127.0.0.1:{front.ports.serve}{httpx.URL(url).path[6:]}", {}),
        ):
            assert await status_of(front, url, signature) == 403
        assert await status_of(front, url + "x", sign(public + "x", {})) == 403
        assert await status_of(front, f"{front.stream_url}/", sign(public, {})) == 404
        assert await status_of(front, url, sign(public, {})) == 101
        assert await status_of(front, url, sign(public, {})) == 403


async def test_a_handshake_for_another_name_needs_a_trusted_proxy(start: Any, front: Any) -> None:
    other = front.stream_url.replace("localhost", "other.example.com")
    for changes, status in ((SUSPICIOUS, 403), (TRUSTING, 101)):
        async with start("twilio", changes=changes) as gateway:
            reply = await post(front, gateway, signed_for=front.webhook_url)
            stream = ElementTree.fromstring(reply.text).find("Connect/Stream")
            assert stream is not None
            url = other + "/" + stream.attrib["url"].rpartition("/")[2]
            bare = url.replace(f":{front.ports.front}", "")
            signature = RequestValidator(token_of(gateway)).compute_signature(bare, {})
            assert await status_of(front, url, signature) == status


async def status_of(front: Any, url: str, signature: str | None) -> int:
    """What the handshake is answered."""
    headers = {} if signature is None else {"x-twilio-signature": signature}
    try:
        async with connect(
            url, host="127.0.0.1", ssl=front.tls, additional_headers=headers, proxy=None
        ):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_connections_to_the_gateway_are_used_again(
    start: Any, front: Any, relaying: Any, free_port: Any
) -> None:
    behind = free_port()
    async with (
        relaying(behind, port=front.ports.serve) as relay,
        start("twilio", port=behind) as gateway,
    ):
        before = relay.accepted
        for _ in range(REQUESTS):
            reply = await post(front, gateway, signed_for=front.webhook_url)
            assert reply.status_code == 200
        assert relay.accepted - before <= 2


async def test_limits_keep_behind_the_proxy(start: Any, front: Any) -> None:
    async with start("twilio", changes=OPEN) as gateway:
        headers = {"x-twilio-signature": "AAAA", "content-type": "application/octet-stream"}
        async with front.client() as client:
            for length in (65 * 1024, 300 * 1024):
                body = b"x" * length
                reply = await client.post(front.webhook_url, content=body, headers=headers)
                # 502: Caddy may still be sending when we have answered and closed.
                assert reply.status_code in (413, 502), length
            unsigned = await client.post(front.webhook_url, content=b"a=1")
            assert unsigned.status_code == 401
            heavy = await client.post(
                front.webhook_url, headers={**headers, **{f"x-{n}": "y" * 3000 for n in range(6)}}
            )
            assert heavy.status_code in (400, 431)
        assert await slow_body(front) in (b"", b"408")
        assert (await post(front, gateway, signed_for=front.webhook_url)).status_code == 200


async def slow_body(front: Any) -> bytes:
    """What a body is answered that never comes to its end; nothing: the connection was closed."""
    head = (
        "POST /line1/voice/webhook HTTP/1.1\r\nhost: localhost\r\n"
        "x-twilio-signature: AAAA\r\ncontent-length: 100\r\n\r\na"
    )
    answer = bytearray()
    with anyio.fail_after(8):
        raw = await anyio.connect_tcp("127.0.0.1", front.ports.front)
        async with await TLSStream.wrap(
            raw, hostname="localhost", ssl_context=front.tls, standard_compatible=False
        ) as stream:
            await stream.send(head.encode())
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                while b"\r\n\r\n" not in answer:
                    answer += await stream.receive()
    return bytes(answer[9:12])
