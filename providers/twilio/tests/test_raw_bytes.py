"""Do the signature cases hold for what really comes through Hypercorn and Quart?"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from voicecall.config.schema import Settings
from voicecall.sdk import HttpReply, SignatureInvalid, WebhookRequest
from voicecall.sdk.clock import SystemClock
from voicecall.web.app import public_app
from voicecall.web.server import serving
from voicecall.webhooks.origin import Origin, PublicUrls
from voicecall_twilio.signatures import SETTINGS_HEADER, SIGNATURE_HEADER, Keys, verify

Case = dict[str, Any]


def by_public_url() -> dict[str, list[Case]]:
    """The HTTP cases, by the URL that would be configured for them."""
    cases = json.loads((Path(__file__).parent / "vectors.json").read_bytes())["cases"]
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if not case.get("websocket"):
            found[case["url"].partition("#")[0].partition("?")[0]].append(case)
    return found


CASES = by_public_url()


def keys(case: Case) -> Keys:
    if any(name.lower() == SETTINGS_HEADER for name, _ in case["headers"]):
        return Keys(auth_token="", shared={"webhooks_sharedkey_01": case["secret"]})
    return Keys(auth_token=case["secret"])


def sent(case: Case) -> bytes:
    """The case as bytes on the wire."""
    parts = urlsplit(case["url"].partition("#")[0])
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    body = base64.b64decode(case["body"])
    lines = [
        f"{case['method']} {target} HTTP/1.1",
        "host: inner.example",
        "connection: close",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in case["headers"]),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def status(port: int, request: bytes) -> int:
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(request)
        answer = await stream.receive()
    return int(answer.split()[1])


@pytest.mark.anyio
@pytest.mark.parametrize("public_url", CASES)
async def test_a_request_off_the_wire_is_believed_exactly_when_it_should_be(
    public_url: str,
) -> None:
    trusted = Keys(auth_token="")

    async def handle(request: WebhookRequest) -> HttpReply:
        try:
            verify(request, trusted)
        except SignatureInvalid as refusal:
            return HttpReply(status=refusal.status)
        return HttpReply(status=204)

    path = urlsplit(public_url).path
    settings = Settings.model_validate({"serve": {"path": path.rstrip("/") or "/"}})
    app = public_app(
        handle=handle,
        origin=Origin(
            urls=PublicUrls(public_url.rstrip("/"), "wss://voice.example.com/media"),
            serve_path=settings.serve.path,
            stream_path=settings.streaming.stream_path,
            security=settings.webhook_security,
        ),
        clock=SystemClock(),
        settings=settings,
        signature_header=SIGNATURE_HEADER,
        sockets=None,
    )
    listener = serving(
        app, "127.0.0.1", 0, setting="serve.port", limits=settings.limits, drain_seconds=0.05
    )
    with anyio.fail_after(30):
        async with listener as listening:
            for case in CASES[public_url]:
                trusted = keys(case)
                answered = await status(listening.port, sent(case))
                assert (answered == 204) is case["expected"], f"{case['id']}: {case['why']}"
                assert answered in (204, 401), case["id"]
