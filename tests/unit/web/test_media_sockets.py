"""Media sockets over real WebSockets: who comes in, how much, and how it ends."""

from __future__ import annotations

import anyio
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from voicecall.errors import MediaError, SignatureInvalid


async def refusal(url: str) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await connect(url)
    return refused.value.response.status_code


def test_a_good_token_opens_a_socket_that_carries_text_and_bytes(edge):
    async def main() -> None:
        async with edge() as one:
            token = one.door.mint()
            async with connect(one.stream_url(token) + "?x=1") as carrier:
                await carrier.send("hello")
                assert await carrier.recv() == "hello"
                await carrier.send(b"\x00\xff")
                assert await carrier.recv() == b"\x00\xff"
                assert "sec-websocket-extensions" not in carrier.response.headers
            (opening,) = one.door.openings
            assert opening.call_id == one.door.call_id
            assert opening.url == f"wss://calls.example/media/{token}?x=1"
            assert "upgrade" in dict(opening.headers)

    anyio.run(main)


def test_acceptance_20_wrong_and_used_tokens_are_403_on_the_handshake(edge):
    async def main() -> None:
        async with edge() as one:
            used = one.door.mint()
            async with connect(one.stream_url(used)):
                pass
            assert await refusal(one.stream_url(used)) == 403
            assert await refusal(one.stream_url("wrong")) == 403
            assert len(one.door.openings) <= 1
            assert one.sockets.refused == {403: 2}

    anyio.run(main)


def test_acceptance_20_an_expired_token_is_403(edge):
    async def main() -> None:
        async with edge(limits={"streamTokenMs": 1}) as one:
            token = one.door.mint()
            await anyio.sleep(0.002)
            assert await refusal(one.stream_url(token)) == 403

    anyio.run(main)


def test_without_a_token_or_elsewhere_there_is_no_socket(edge):
    async def main() -> None:
        async with edge() as one:
            assert await refusal(one.stream_url("")) == 404
            assert await refusal(one.stream_url("a/b")) == 404
            assert await refusal(one.webhook_url.replace("http", "ws")) == 404

    anyio.run(main)


def test_a_slash_behind_the_token_is_allowed(edge):
    async def main() -> None:
        async with edge() as one, connect(one.stream_url(one.door.mint()) + "/") as carrier:
            await carrier.send("hello")
            assert await carrier.recv() == "hello"

    anyio.run(main)


def test_a_message_too_large_closes_with_1009(edge):
    async def main() -> None:
        async with (
            edge(limits={"mediaMessageBytes": 1000}) as one,
            connect(one.stream_url(one.door.mint())) as carrier,
        ):
            await carrier.send("x" * 1001)
            assert await close_code(carrier) == 1009

    anyio.run(main)


def test_a_carrier_that_does_not_read_is_closed_with_1013(edge):
    async def main() -> None:
        overflowed = anyio.Event()

        async def flood(socket) -> None:
            with pytest.raises(MediaError, match="unsentBytesPerSocket"):
                while True:
                    await socket.send(bytes(60_000))
                    await anyio.lowlevel.checkpoint()
            with pytest.raises(MediaError):
                await socket.send(b"more")
            assert await socket.receive() is None
            overflowed.set()

        async with edge(limits={"unsentBytesPerSocket": 200_000}) as one:
            one.door.session = flood
            async with connect(one.stream_url(one.door.mint()), max_queue=1) as carrier:
                await overflowed.wait()
                assert await close_code(carrier) == 1013

    anyio.run(main)


def test_when_the_carrier_is_gone_receiving_ends_and_sending_raises(edge):
    async def main() -> None:
        ended = anyio.Event()

        async def session(socket) -> None:
            assert await socket.receive() == "last words"
            assert await socket.receive() is None
            with pytest.raises(MediaError):
                await socket.send("too late")
            ended.set()

        async with edge() as one:
            one.door.session = session
            async with connect(one.stream_url(one.door.mint())) as carrier:
                await carrier.send("last words")
            await ended.wait()
            await until(lambda: one.sockets.connections == 0)

    anyio.run(main)


def test_a_sender_that_never_receives_notices_that_the_carrier_is_gone(edge):
    async def main() -> None:
        ended = anyio.Event()

        async def talker(socket) -> None:
            with pytest.raises(MediaError):
                while True:
                    await socket.send("la")
                    await anyio.sleep(0.001)
            ended.set()

        async with edge() as one:
            one.door.session = talker
            async with connect(one.stream_url(one.door.mint())) as carrier:
                assert await carrier.recv() == "la"
                carrier.transport.abort()
            await ended.wait()

    anyio.run(main)


def test_what_the_session_sent_last_arrives_before_its_close_code(edge):
    async def main() -> None:
        async def farewell(socket) -> None:
            for number in range(100):
                await socket.send(str(number))
            await socket.close(1008, "not your call")

        async with edge() as one:
            one.door.session = farewell
            async with connect(one.stream_url(one.door.mint())) as carrier:
                assert [await carrier.recv() for _ in range(100)] == [str(n) for n in range(100)]
                assert await close_code(carrier) == 1008
                assert carrier.close_reason == "not your call"

    anyio.run(main)


def test_the_close_code_reaches_a_carrier_that_goes_on_sending(edge):
    async def main() -> None:
        async def refuse(socket) -> None:
            await socket.receive()
            await socket.close(1008)

        async with edge() as one:
            one.door.session = refuse
            async with connect(one.stream_url(one.door.mint())) as carrier:
                with pytest.raises(ConnectionClosed):
                    while True:
                        await carrier.send(bytes(30_000))
                assert carrier.close_code == 1008

    anyio.run(main)


def test_a_session_that_fails_closes_with_1011(edge, caplog):
    async def main() -> None:
        async def defect(socket) -> None:
            raise RuntimeError("a defect")

        async with edge() as one:
            one.door.session = defect
            async with connect(one.stream_url(one.door.mint())) as carrier:
                assert await close_code(carrier) == 1011

    anyio.run(main)
    assert "media stream failed" in caplog.text


def test_pending_sockets_are_capped_and_the_first_frame_frees_the_place(edge):
    async def main() -> None:
        async with (
            edge(streaming={"maxPendingConnections": 1}) as one,
            connect(one.stream_url(one.door.mint())) as first,
        ):
            token = one.door.mint()
            assert await refusal(one.stream_url(token)) == 503
            await first.send("start")
            await first.recv()
            async with connect(one.stream_url(token)) as second:
                await second.send("the refusal did not use up the token")
                await second.recv()

    anyio.run(main)


def test_one_address_has_few_pending_sockets_unless_many_carriers_stand_behind_it(edge):
    async def main() -> None:
        streaming = {"maxPendingConnectionsPerIp": 1}
        for shared in (False, True):
            async with (
                edge(shared=shared, streaming=streaming) as one,
                connect(one.stream_url(one.door.mint())),
            ):
                second = one.stream_url(one.door.mint())
                if shared:
                    async with connect(second):
                        pass
                else:
                    assert await refusal(second) == 429

    anyio.run(main)


def test_open_sockets_are_capped(edge):
    async def main() -> None:
        async with edge(streaming={"maxConnections": 1}) as one:
            async with connect(one.stream_url(one.door.mint())) as first:
                await first.send("start")
                await first.recv()
                assert await refusal(one.stream_url(one.door.mint())) == 503
            await until(lambda: one.sockets.connections == 0)
            async with connect(one.stream_url(one.door.mint())):
                pass

    anyio.run(main)


def test_a_flood_of_frames_makes_the_carrier_wait(edge):
    async def main() -> None:
        async def deaf(socket) -> None:
            await anyio.sleep_forever()

        async with edge() as one:
            one.door.session = deaf
            async with connect(one.stream_url(one.door.mint())) as carrier:
                with anyio.move_on_after(0.5) as patience:
                    while True:
                        await carrier.send(bytes(60_000))
                assert patience.cancelled_caught
                carrier.transport.abort()

    anyio.run(main)


async def close_code(carrier) -> int:
    with pytest.raises(ConnectionClosed):
        while True:
            await carrier.recv()
    return carrier.close_code


async def until(true) -> None:
    while not true():
        await anyio.sleep(0.001)


def test_a_forged_handshake_is_403_and_does_not_burn_the_token(edge, caplog):
    async def main() -> None:
        async with edge() as one:
            token = one.door.mint()
            one.door.refuses = SignatureInvalid("canary-signature")
            assert await refusal(one.stream_url(token) + "?canary-query=1") == 403
            assert one.sockets.refused == {403: 1}
            one.door.refuses = None
            async with connect(one.stream_url(token)) as carrier:
                await carrier.send("hello")
                assert await carrier.recv() == "hello"
            (line,) = [each for each in caplog.records if "handshake" in each.message]
            shown = line.getMessage() + str(line.__dict__)
            assert token not in shown and "canary" not in shown

    anyio.run(main)


def test_a_wrong_token_is_refused_before_anybody_looks_at_a_signature(edge):
    async def main() -> None:
        async with edge() as one:
            one.door.refuses = AssertionError("looked at")
            assert await refusal(one.stream_url("wrong")) == 403

    anyio.run(main)


def test_every_url_that_may_have_been_signed_is_known_to_the_handshake(edge):
    async def main() -> None:
        security = {"trustForwardingHeaders": True, "trustedProxyIPs": ["127.0.0.1"]}
        async with edge(webhookSecurity=security) as one:
            token = one.door.mint()
            headers = {"x-forwarded-host": "edge.example", "x-forwarded-proto": "https"}
            async with connect(one.stream_url(token), additional_headers=headers):
                pass
            (opening,) = one.door.openings
            assert opening.urls == (
                f"wss://calls.example/media/{token}",
                f"wss://edge.example/voice/stream/{token}",
                f"wss://edge.example/media/{token}",
            )

    anyio.run(main)
