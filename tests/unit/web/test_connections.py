"""Blunt clients that never finish, crowd, smuggle, or ask for another protocol."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack

import anyio
import pytest

NEXT = b"POST /voice/webhook HTTP/1.1\r\nHost: x\r\n"


async def read_all(stream) -> bytes:
    read = b""
    with anyio.fail_after(5):
        try:
            while True:
                read += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return read


def test_headers_that_trickle_or_stop_are_408_and_the_connection_ends(edge):
    async def main() -> None:
        async with edge(limits={"bodyTimeoutMs": 100}) as one, await one.connect() as stream:
            with anyio.fail_after(5):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(trickle, stream, tasks)
                    assert (await read_all(stream)).startswith(b"HTTP/1.1 408 ")
                    tasks.cancel_scope.cancel()

    async def trickle(stream, tasks) -> None:
        try:
            await stream.send(NEXT)
            while True:
                await stream.send(b"X: y\r\n")
                await anyio.sleep(0.02)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    anyio.run(main)


def test_headers_of_a_second_request_have_no_more_time_than_those_of_the_first(edge, make_body):
    async def main() -> None:
        async with edge(limits={"bodyTimeoutMs": 100}) as one, await one.connect() as stream:
            await stream.send(signed_request(one, make_body()) + b"GET / HT")
            answers = await read_all(stream)
        assert answers.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answers

    anyio.run(main)


@pytest.mark.parametrize("refused", [b"GET /nothing", b"POST /voice/webhook"])
def test_a_connection_serves_what_is_genuine_and_ends_with_the_first_refusal(
    edge, make_body, refused
):
    async def main() -> None:
        async with edge() as one:
            genuine = signed_request(one, make_body())
            hostile = refused + b" HTTP/1.1\r\nHost: x\r\nX-Test-Signature: wrong\r\n\r\n"
            answers = await one.answer(genuine * 2 + hostile * 200)
        statuses = re.findall(rb"HTTP/1.1 (\d+)", answers)
        assert statuses[:2] == [b"200", b"200"] and statuses[2:] in ([b"401"], [b"404"])

    anyio.run(main)


def signed_request(one, body: bytes) -> bytes:
    lines = [f"{name}: {value}\r\n".encode() for name, value in one.signed(body).items()]
    length = f"Content-Length: {len(body)}\r\n\r\n".encode()
    return NEXT + b"".join(lines) + length + body


def test_a_connection_that_asks_nothing_is_not_taken_for_a_slow_one(edge):
    async def main() -> None:
        async with edge(limits={"bodyTimeoutMs": 20}) as one, await one.connect() as stream:
            async with await one.connect() as slow:
                await slow.send(NEXT)
                await read_all(slow)
            await stream.send(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert (await read_all(stream)).startswith(b"HTTP/1.1 404 ")

    anyio.run(main)


def test_a_crowd_of_idle_connections_makes_room_for_who_has_something_to_say(edge):
    async def main() -> None:
        async with edge(limits={"connections": 20}) as one, AsyncExitStack() as stack:
            crowd = [await stack.enter_async_context(await one.connect()) for _ in range(60)]
            answer = await one.answer(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 404 ")
            assert await read_all(crowd[0]) == b""

    anyio.run(main)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=["upgrade", "prior knowledge"],
)
def test_nobody_gets_http2(edge, sent):
    async def main() -> None:
        async with edge() as one, await one.connect() as stream:
            await stream.send(sent)
            with anyio.fail_after(5):
                answer = await stream.receive()
        assert answer.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 ")), answer

    anyio.run(main)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding : chunked\r\n",
        b"X-A: b\r\n folded: c\r\nX\x00Y: z\r\n",
    ],
)
def test_a_body_of_two_minds_is_refused_and_nothing_behind_it_is_read(edge, framing):
    async def main() -> None:
        async with edge() as one:
            answer = await one.answer(NEXT + framing + b"\r\n0\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
        assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 ")), answer
        assert answer.count(b"HTTP/1.1 ") == 1

    anyio.run(main)


@pytest.mark.parametrize(
    "path",
    [
        b"//voice/webhook",
        b"/%76oice/webhook",
        b"/voice%2fwebhook",
        b"/x/../voice/webhook",
        b"/voice/%2e%2e/voice/webhook",
        b"/voice/./webhook",
        b"/voice/webhook%00",
        b"/voice/webhookx",
        b"http://evil.example/voice/webhook",
    ],
)
def test_no_spelling_of_the_path_comes_past_the_signature(edge, path):
    async def main() -> None:
        async with edge() as one:
            answer = await one.answer(
                b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                b"Content-Length: 2\r\n\r\n{}"
            )
        assert answer.split()[1] in (b"400", b"401", b"404"), answer

    anyio.run(main)
