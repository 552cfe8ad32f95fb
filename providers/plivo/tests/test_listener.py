"""Do the signature vectors hold over a real socket too, where servers change requests?"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest

from voicecall.config.schema import Settings
from voicecall.sdk import CarrierEvent, HttpReply, Instruction, SystemClock, WebhookRequest
from voicecall.web.app import public_app
from voicecall.web.server import serving
from voicecall.webhooks.gate import Gate
from voicecall.webhooks.origin import Origin, PublicUrls
from voicecall_plivo.plugin import voicecall_providers

CASES: list[dict[str, Any]] = [
    case
    for case in json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))["cases"]
    if not case.get("websocket")
]


class Desk:
    """Takes everything."""

    async def apply(self, events: Sequence[CarrierEvent]) -> Sequence[Instruction]:
        return ()


def base_of(case: dict[str, Any]) -> str:
    return urlsplit(case["url"])._replace(query="", fragment="").geturl()


@asynccontextmanager
async def listening(
    base: str, handle: Callable[[WebhookRequest], Any]
) -> AsyncIterator[tuple[str, int]]:
    """The public listener behind a proxy that `base` is the name of."""
    settings, clock = Settings.model_validate({}), SystemClock()
    (spec,) = voicecall_providers()
    origin = Origin(
        urls=PublicUrls(base, "wss://voice.example.com/media"),
        serve_path=settings.serve.path,
        stream_path=settings.streaming.stream_path,
        security=settings.webhook_security,
    )
    app = public_app(
        handle=handle,
        origin=origin,
        clock=clock,
        settings=settings,
        signature_header=spec.signature_header,
        other_signature_headers=spec.other_signature_headers,
        sockets=None,
    )
    async with serving(
        app, "127.0.0.1", 0, setting="serve.port", limits=settings.limits, drain_seconds=0.05
    ) as listener:
        yield settings.serve.path, listener.port


async def send(case: dict[str, Any], path: str, port: int) -> bytes:
    """The status line of the answer to the case's raw bytes."""
    body, query = base64.b64decode(case["body"]), urlsplit(case["url"]).query
    target = f"{path}?{query}" if query else path
    lines = [f"{case['method']} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in case["headers"]]
    lines += [f"Content-Length: {len(body)}", "", ""]
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send("\r\n".join(lines).encode() + body)
        return (await stream.receive()).split(b"\r\n")[0]


@pytest.mark.parametrize("base", sorted({base_of(case) for case in CASES}))
def test_every_vector_is_judged_over_a_socket(base: str, make_provider: Callable[..., Any]) -> None:
    gates: list[Gate] = []

    async def handle(request: WebhookRequest) -> HttpReply:
        return await gates[-1].handle(request)

    async def run() -> None:
        with anyio.fail_after(60):
            async with listening(base, handle) as (path, port):
                for case in (case for case in CASES if base_of(case) == base):
                    accepted = await judge(case, path, port)
                    assert accepted is case["expected"], f"{case['id']}: {case['why']}"

    async def judge(case: dict[str, Any], path: str, port: int) -> bool:
        allow_v2 = bool((case.get("options") or {}).get("allow_v2"))
        provider = make_provider(authToken=case["secret"], allowV2Signatures=allow_v2)
        gates.append(Gate(provider, Desk(), SystemClock()))
        nonces = {value for name, value in case["headers"] if name.lower().endswith("nonce")}
        if nonces & set(case.get("seen_nonces") or ()):
            await send(case, path, port)
        status = await send(case, path, port)
        counters = gates[-1].counters
        if counters.repeated:
            return False
        return b" 200 " in status or counters.malformed == 1

    anyio.run(run)
