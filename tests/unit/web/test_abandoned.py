"""Is a connection let go of when its app has returned and the client goes on sending?"""

from __future__ import annotations

import base64
import os

import anyio
import pytest
from anyio.abc import SocketStream

from voicecall.config.schema import LimitSettings
from voicecall.web.server import serving

FLOOD = 4000
"""More than Hypercorn's queue takes, and than it reads at once."""


def handshake() -> bytes:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = ("GET / HTTP/1.1", "host: x", "upgrade: websocket", "connection: upgrade")
    return "\r\n".join(
        [*lines, f"sec-websocket-key: {key}", "sec-websocket-version: 13", "", ""]
    ).encode()


def frames(count: int) -> bytes:
    """Text messages of 20 characters as a client masks them, with a mask of zeros."""
    return (b"\x81\x94" + bytes(4) + b"x" * 20) * count


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_a_client_that_floods_a_socket_whose_app_has_returned_holds_nothing(
    says_goodbye: bool,
) -> None:
    flooded = anyio.Event()

    async def app(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            return
        await receive()
        await send({"type": "websocket.accept"})
        await flooded.wait()
        await anyio.wait_all_tasks_blocked()
        if says_goodbye:
            await send({"type": "websocket.close", "code": 1000})

    async def read(stream: SocketStream) -> None:
        """To the end, so that nothing waits for us."""
        try:
            while True:
                await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return

    async def main() -> None:
        async with serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings()) as listening:
            await anyio.wait_all_tasks_blocked()
            idle = len(anyio.get_running_tasks())
            async with await anyio.connect_tcp(listening.host, listening.port) as stream:
                await stream.send(handshake())
                assert b" 101 " in await stream.receive()
                await stream.send(frames(FLOOD))
                flooded.set()
                with anyio.fail_after(10):
                    await read(stream)
            with anyio.fail_after(10):
                while len(anyio.get_running_tasks()) > idle:
                    await anyio.sleep(0.01)

    anyio.run(main)
