"""Does a proxy keep its connections to us, and pass on at once what we send? Also to a process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import connect

pytestmark = pytest.mark.anyio

LISTEN = {"listen": True}


async def test_events_and_sockets_of_the_gateways_own_port_pass_at_once(
    start: Any, front: Any, tmp_path: Path
) -> None:
    async with start("twilio", LISTEN, {"wait": 60_000}) as gateway:
        token = (tmp_path / "state" / "gateway.token").read_text().strip()
        headers = {"host": front.gateway_host, "authorization": f"Bearer {token}"}
        site = {"headers": headers, "extensions": {"sni_hostname": front.gateway_host}}
        async with front.client() as client:
            ready = await client.get(f"{front.gateway_url}/readyz", **site)
            assert ready.json()["publicUrl"] == {"status": "reachable", "url": front.webhook_url}
            refused = await client.get(
                f"{front.gateway_url}/metrics",
                **site | {"headers": headers | {"origin": f"https://{front.gateway_host}"}},
            )
            assert refused.status_code == 403
            call_id = await gateway.call("Hello")
            url = f"{front.gateway_url}/calls/{call_id}/events"
            with anyio.fail_after(8):
                async with client.stream("GET", url, **site) as reply:
                    lines = reply.aiter_lines()
                    await until_told(lines, "created")
                    await gateway.service.end(call_id)
                    await until_told(lines, "call")
        port = front.ports.front
        url = f"wss://{front.gateway_host}:{port}/"
        async with connect(url, host="127.0.0.1", ssl=front.tls, proxy=None) as socket:
            with anyio.fail_after(8):
                assert json.loads(await socket.recv())["type"] == "event"


async def until_told(lines: AsyncIterator[str], event: str) -> None:
    """Read events up to one of this type, which must come while the stream is open."""
    async for line in lines:
        if line == f"event: {event}":
            return
    raise AssertionError(f"the stream ended without {event!r}")


async def test_a_gateway_in_a_process_of_its_own_calls_through_the_proxy(
    front: Any, call_from_a_process: Any
) -> None:
    steps = (LISTEN, {"say": "Blue."}, {"hangUp": True})
    heard, printed = await call_from_a_process("Which colour?", *steps)
    assert heard == ["Which colour?"]
    assert "Blue." in printed
