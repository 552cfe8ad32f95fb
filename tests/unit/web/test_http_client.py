"""Does an answer that never becomes whole keep us for longer than we said?"""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from voicecall.errors import CarrierUnreachable
from voicecall.web.http_client import MOST_BYTES, open_http_client

Talk = Callable[[SocketStream], object]
OK = b"HTTP/1.1 200 OK\r\n"


async def drip(stream: SocketStream, begin: bytes, drop: bytes) -> None:
    await stream.send(begin)
    while True:
        await anyio.sleep(0.05)
        await stream.send(drop)


async def headers_without_end(stream: SocketStream) -> None:
    await drip(stream, OK, b"x: y\r\n")


async def a_body_without_end(stream: SocketStream) -> None:
    await drip(stream, OK + b"content-length: 1000000\r\n\r\n", b" ")


async def chunks_without_end(stream: SocketStream) -> None:
    await drip(stream, OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n")


async def a_flood(stream: SocketStream) -> None:
    await stream.send(OK + b"content-length: 1000000000\r\n\r\n")
    while True:
        await stream.send(bytes(1024 * 1024))


def ask(talk: Talk, seconds: float) -> str:
    """Why the request failed."""

    async def answer(stream: SocketStream) -> None:
        async with stream:
            try:
                await stream.receive()
                await talk(stream)  # type: ignore[misc]
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return

    async def main() -> str:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/x"
        async with listener, anyio.create_task_group() as tasks, open_http_client() as client:
            tasks.start_soon(listener.serve, answer)
            with anyio.fail_after(20), pytest.raises(CarrierUnreachable) as refused:
                await client.request("POST", url, timeout_seconds=seconds)
            tasks.cancel_scope.cancel()
        return str(refused.value)

    return anyio.run(main)


@pytest.mark.parametrize("talk", [headers_without_end, a_body_without_end, chunks_without_end])
def test_the_timeout_is_for_the_whole_exchange(talk: Talk) -> None:
    assert "0.3 s" in ask(talk, 0.3)


def test_an_answer_without_end_is_not_kept() -> None:
    assert f"{MOST_BYTES // 2**20} MiB" in ask(a_flood, 20)
