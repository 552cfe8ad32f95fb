"""Listeners start bound and stop in order, whatever clients are attached."""

from __future__ import annotations

import os
import socket
from contextlib import AsyncExitStack

import anyio
import anyio.lowlevel
import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from voicecall.config.schema import LimitSettings
from voicecall.errors import ConfigError, PortInUse
from voicecall.web.app import combined_app
from voicecall.web.asgi import refuse
from voicecall.web.connections import ACCEPTED_AT_ONCE
from voicecall.web.server import bind, serving, serving_on


async def gone(scope, receive, send) -> None:
    await refuse(scope, send, 410)


app = combined_app(gone, None, max_header_bytes=16_384)


def test_port_zero_takes_a_free_port_and_accepts_at_once():
    async def main() -> None:
        async with (
            serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings()) as listening,
            httpx.AsyncClient() as client,
        ):
            assert (await client.get(listening.url)).status_code == 410

    anyio.run(main)


def test_a_bound_port_keeps_its_callers_until_it_is_served():
    async def main() -> None:
        bound = await bind("localhost", 0, setting="serve.port")
        async with await anyio.connect_tcp("127.0.0.1", bound.listening.port) as early:
            await early.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with serving_on(app, bound, limits=LimitSettings()):
                assert b" 410 " in await early.receive()

    anyio.run(main)


def test_a_crowd_at_the_door_waits_and_comes_in_a_few_at_a_time(monkeypatch):
    accepted = []
    accept = socket.socket.accept

    def noted(listening: socket.socket):
        accepted.append(listening)
        return accept(listening)

    monkeypatch.setattr(socket.socket, "accept", noted)

    async def main() -> None:
        serve = serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings())
        async with serve as listening, AsyncExitStack() as crowd:
            for _ in range(100):
                address = (listening.host, listening.port)
                crowd.callback(socket.create_connection(address, timeout=1).close)
            assert not accepted
            while len(accepted) < 100:
                before = len(accepted)
                await anyio.lowlevel.checkpoint()
                assert len(accepted) - before <= ACCEPTED_AT_ONCE

    anyio.run(main)


def test_a_port_in_use_is_told_in_one_line_with_its_holder_and_the_remedy():
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            with pytest.raises(PortInUse) as refused:
                await bind("127.0.0.1", port, setting="serve.port")
        message = str(refused.value)
        assert f"port {port}" in message
        assert f"process {os.getpid()} (" in message
        assert "set serve.port to another port" in message
        assert "\n" not in message

    anyio.run(main)


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_an_error_of_the_configuration(host):
    async def main() -> None:
        with pytest.raises(ConfigError, match="serve.port"):
            await bind(host, 0, setting="serve.port")

    anyio.run(main)


def test_what_the_block_raises_comes_out_as_it_is():
    async def main() -> None:
        with pytest.raises(KeyError):
            async with serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings()):
                raise KeyError

    anyio.run(main)


def test_the_port_is_free_again_after_the_block():
    async def main() -> None:
        async with serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings()) as first:
            pass
        again = serving(app, "127.0.0.1", first.port, setting="x", limits=LimitSettings())
        async with again as second:
            assert second.port == first.port

    anyio.run(main)


def test_a_client_that_leaves_takes_its_connection_with_it():
    async def main() -> None:
        async with serving(app, "127.0.0.1", 0, setting="x", limits=LimitSettings()) as listening:
            with anyio.fail_after(20):  # far less than connections are kept for reuse
                async with await anyio.connect_tcp("127.0.0.1", listening.port) as client:
                    await client.send_eof()
                    with pytest.raises(anyio.EndOfStream):
                        await client.receive()

    anyio.run(main)


def test_an_idle_websocket_is_told_1001_and_does_not_hold_up_the_end(edge):
    async def main() -> None:
        async with edge(drain_seconds=60) as one:
            idle = await connect(one.stream_url(one.door.mint()))
        with pytest.raises(ConnectionClosed):
            await idle.recv()
        assert idle.close_code == 1001

    anyio.run(main)


def test_a_websocket_that_answers_nothing_does_not_hold_up_the_end(edge):
    async def main() -> None:
        async with edge() as one:
            stream = await one.connect()
            await stream.send(
                f"GET /voice/stream/{one.door.mint()} HTTP/1.1\r\nHost: x\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            assert b" 101 " in await stream.receive()
        await stream.aclose()

    anyio.run(main)


def test_a_slow_body_and_a_silent_client_do_not_hold_up_the_end(edge):
    async def main() -> None:
        async with edge() as one:
            silent, slow, half = [await one.connect() for _ in range(3)]
            await half.send(b"POST /voice/webhook HT")
            await slow.send(
                b"POST /voice/webhook HTTP/1.1\r\nHost: x\r\nX-Test-Signature: a\r\n"
                b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n"
            )
            assert b" 100 " in await slow.receive()
        for stream in (silent, slow, half):
            await stream.aclose()

    anyio.run(main)


def test_a_client_that_does_not_read_its_answer_does_not_hold_up_the_end():
    async def main() -> None:
        async def endless(scope, receive, send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})

        endless_app = combined_app(endless, None, max_header_bytes=16_384)
        limits = LimitSettings()
        listener = serving(endless_app, "127.0.0.1", 0, setting="x", limits=limits, drain_seconds=0)
        with anyio.fail_after(20):
            async with listener as listening:
                stream = await anyio.connect_tcp("127.0.0.1", listening.port)
                await stream.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b" 200 " in await stream.receive()
            await stream.aclose()

    anyio.run(main)


def test_a_request_that_runs_may_finish_while_new_ones_are_refused(edge, make_body):
    async def main() -> None:
        replies = []

        async def deliver(one) -> None:
            async with httpx.AsyncClient() as client:
                body = make_body()
                headers = one.signed(body)
                replies.append(await client.post(one.webhook_url, content=body, headers=headers))

        async def knock_then_open(one) -> None:
            async with httpx.AsyncClient() as client:
                while (await client.get(one.webhook_url)).status_code != 503:
                    await anyio.sleep(0.001)
            one.desk.open.set()

        async with anyio.create_task_group() as tasks, edge(drain_seconds=20) as one:
            one.desk.open = anyio.Event()
            tasks.start_soon(deliver, one)
            await one.desk.entered.wait()
            tasks.start_soon(knock_then_open, one)
        assert [reply.status_code for reply in replies] == [200]

    anyio.run(main)
