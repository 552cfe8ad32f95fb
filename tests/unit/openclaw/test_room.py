"""How many strangers may hold a gateway WebSocket open? Few, and fewer from one address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from runpy import run_path
from typing import Any

import anyio
import pytest

from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.errands import Errands
from voicecall.rpc.methods import RpcContext
from voicecall.sdk.clock import SystemClock
from voicecall.web.openclaw_sockets import MAX_PENDING, MAX_PENDING_PER_ADDRESS, OpenClawSockets

_above = run_path(str(Path(__file__).parent.parent / "conftest.py"))

Opening = Callable[[str], Any]


@pytest.fixture
def knocking(frames: Any) -> Callable[[], AbstractAsyncContextManager[Opening]]:
    """``async with knocking() as knock``; ``await knock(peer)`` gives the server's answer."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Opening]:
        async with anyio.create_task_group() as tasks:
            app = OpenClawSockets(
                lambda scope, receive, send: anyio.sleep(0),
                context=RpcContext(service=_above["ScriptedService"](), errands=Errands(tasks)),
                doorkeeper=Doorkeeper(token="t", bind="0.0.0.0"),
                clock=SystemClock(),
                max_buffered_bytes=100_000,
            )

            async def knock(peer: str, *, connects: bool = False) -> str | int:
                inbox, answers = anyio.create_memory_object_stream[Any](9), []
                answered, wanted = anyio.Event(), 3 if connects else 1
                inbox[0].send_nowait({"type": "websocket.connect"})
                if connects:
                    text = frames.request("connect", frames.connect_params(4, token="t"))
                    inbox[0].send_nowait({"type": "websocket.receive", "text": text})

                async def send(message: Any) -> None:
                    answers.append(message)
                    if len(answers) == wanted:
                        answered.set()

                async def serve(scope: Any) -> None:
                    with inbox[0], inbox[1]:
                        await app(scope, inbox[1].receive, send)

                scope = {
                    "type": "websocket",
                    "path": "/",
                    "raw_path": b"/",
                    "query_string": b"",
                    "headers": [(b"host", b"gateway.example")],
                    "client": (peer, 1),
                }
                tasks.start_soon(serve, scope)
                await answered.wait()
                first: dict[str, Any] = answers[0]
                return first.get("status", "open")

            yield knock
            tasks.cancel_scope.cancel()

    return opened


def test_one_address_holds_few_places_until_its_clients_connect(knocking: Any) -> None:
    async def main() -> None:
        with anyio.fail_after(20):
            async with knocking() as knock:
                for _ in range(MAX_PENDING_PER_ADDRESS + 1):
                    assert await knock("203.0.113.5", connects=True) == "open"
                for _ in range(MAX_PENDING_PER_ADDRESS):
                    assert await knock("203.0.113.5") == "open"
                assert await knock("203.0.113.5") == 429
                assert await knock("203.0.113.6") == "open"

    anyio.run(main)


def test_this_machine_holds_all_places_and_no_more(knocking: Any) -> None:
    async def main() -> None:
        with anyio.fail_after(20):
            async with knocking() as knock:
                for _ in range(MAX_PENDING):
                    assert await knock("127.0.0.1") == "open"
                assert await knock("127.0.0.1") == 503
                assert await knock("203.0.113.6") == 503

    anyio.run(main)
