"""The gateway WebSocket on the listener that a gateway really has: slow clients, and its end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from runpy import run_path
from typing import Any

import anyio
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from voicecall.config.schema import LimitSettings
from voicecall.rpc.auth import Doorkeeper
from voicecall.web.gateway import gateway_app
from voicecall.web.openclaw_sockets import MAX_PAYLOAD_BYTES
from voicecall.web.server import bind, serving_on

_above = run_path(str(Path(__file__).parent.parent / "conftest.py"))

Listener = Callable[..., AbstractAsyncContextManager[tuple[str, Any, anyio.Event]]]


@pytest.fixture
def listener() -> Listener:
    """``async with listener() as (url, service, stop)``."""

    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[tuple[str, Any, anyio.Event]]:
        service, stop, urls = _above["ScriptedService"](), anyio.Event(), []
        async with anyio.create_task_group() as errands, anyio.create_task_group() as tasks:
            doorkeeper = Doorkeeper(token="t", bind="127.0.0.1")
            app = gateway_app(service, doorkeeper=doorkeeper, tasks=errands, **options)

            async def serve(task_status: Any) -> None:
                bound = await bind("127.0.0.1", 0, setting="gateway.port")
                limits, largest = LimitSettings(), MAX_PAYLOAD_BYTES
                one = serving_on(app, bound, limits=limits, max_message_bytes=largest)
                async with one as listening:
                    urls.append(listening.url.replace("http", "ws"))
                    task_status.started()
                    await stop.wait()

            with anyio.fail_after(30):
                await tasks.start(lambda *, task_status: serve(task_status))
                yield urls[0], service, stop
                stop.set()
            errands.cancel_scope.cancel()

    return opened


async def let_in(client: Any, frames: Any) -> None:
    await client.recv()
    await client.send(frames.request("connect", frames.connect_params(4, token="t")))
    assert json.loads(await client.recv())["ok"]


def test_a_gateway_that_ends_tells_its_clients_and_closes_with_1012(
    listener: Listener, frames: Any
) -> None:
    async def main() -> None:
        async with listener() as (url, _, stop), connect(url) as client:
            await let_in(client, frames)
            assert "Sec-WebSocket-Extensions" not in client.response.headers
            stop.set()
            assert json.loads(await client.recv())["event"] == "shutdown"
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert (client.close_code, client.close_reason) == (1012, "service restart")

    anyio.run(main)


def test_a_client_that_does_not_read_is_closed_and_others_go_on(
    listener: Listener, frames: Any
) -> None:
    async def main() -> None:
        async with listener(max_unsent_bytes=200_000) as (url, service, _):
            call_id = await service.initiate(_above["CallRequest"](to_number="+15551230003"))
            await service.speak(call_id, "x" * 150_000)
            async with connect(url, max_queue=1) as slow, connect(url) as quick:
                for client in (slow, quick):
                    await let_in(client, frames)
                slow.transport.pause_reading()
                while not service.nobody_watches.is_set():
                    await slow.send(frames.request("voicecall.status", None, "s"))
                    await quick.send(frames.request("health", None, "q"))
                    assert json.loads(await quick.recv())["ok"]
                slow.transport.resume_reading()
                with pytest.raises(ConnectionClosed):
                    while True:
                        await slow.recv()
                # A client that does not even read its close within a second is cut.
                assert slow.close_code in (1013, 1006)
                await quick.send(frames.request("health", None, "last"))
                assert json.loads(await quick.recv())["id"] == "last"

    anyio.run(main)
