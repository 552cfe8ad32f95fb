"""What is the floor of any gateway? A server that sends every media frame back, and no more.

Run by `calls_bench`, in a process of its own: ``python -m bench.echo`` prints its URL.
"""

from __future__ import annotations

from contextlib import suppress

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def echo(socket: ServerConnection) -> None:
    """Send back what comes."""
    with suppress(ConnectionClosed):
        async for frame in socket:
            await socket.send(frame)


async def main() -> None:
    """Serve until killed."""
    async with serve(echo, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        (listening,) = server.sockets
        print(f"ws://127.0.0.1:{listening.getsockname()[1]}", flush=True)
        await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(main)
