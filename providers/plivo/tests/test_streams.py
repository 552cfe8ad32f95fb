"""Does a stream of the live double keep Plivo's protocol: checkpoints, clearing, pace, frames?"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from websockets.asyncio.server import ServerConnection, serve

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk import SystemClock
from voicecall_conformance.phones import Surroundings
from voicecall_plivo.double.signing import handshake_headers
from voicecall_plivo.network import Habits, PlivoNetwork
from voicecall_plivo.network.network import AUTH_ID, AUTH_TOKEN
from voicecall_plivo.network.stream import AudioStream, StreamTools

pytestmark = pytest.mark.anyio

URL = "wss://calls.example.com/stream/token?a=1"
PATIENCE_SECONDS = 20
TONE = b"\x00" * 160


class Gateway:
    """Sends what a test wants, and keeps what it gets."""

    def __init__(
        self,
        socket: ServerConnection,
        told: list[str],
        network: PlivoNetwork,
        leave: Callable[[], None],
    ) -> None:
        self.socket = socket
        self.told = told
        self.network = network
        self.leave = leave

    async def until(self, event: str) -> dict[str, Any]:
        """The next frame of a kind."""
        async for text in self.socket:
            message: dict[str, Any] = json.loads(text)
            if message["event"] == event:
                return message
        raise AssertionError(f"no {event!r} before the end")

    async def send(self, event: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"event": event, **fields}))

    async def play(self, data: bytes) -> None:
        audio = {"contentType": "audio/x-mulaw", "sampleRate": 8000}
        await self.send("playAudio", media={**audio, "payload": base64.b64encode(data).decode()})


@asynccontextmanager
async def streaming(habits: Habits | None = None) -> AsyncIterator[Gateway]:
    """A stream of an answered call, at the gateway's end."""
    registry, clock = load_plugins(os.environ), SystemClock(8.0)
    around = Surroundings(
        clock=clock,
        speech=InstalledSpeech(registry, lambda name: pytest.fail("no speech is needed")),
        number="+15550001111",
        webhook_url="https://calls.example.com/number",
    )
    arrived: list[ServerConnection] = []
    arrival, done = anyio.Event(), anyio.Event()

    async def accept(socket: ServerConnection) -> None:
        arrived.append(socket)
        arrival.set()
        await done.wait()

    async with PlivoNetwork.opened(around) as network, serve(accept, "127.0.0.1", 0) as server:
        host, port = next(iter(server.sockets)).getsockname()[:2]
        network.connect(host, port)
        told: list[str] = []
        leg = network.leg("the-call", to="+15550002222")
        tools = StreamTools(
            account=AUTH_ID,
            token=AUTH_TOKEN,
            habits=habits or Habits(),
            reach=network.reach,
            clock=clock,
            fault=network.fault,
        )
        stream = AudioStream(
            leg,
            tools,
            obeys=True,
            extra_headers="a=1,b=2",
            tell=lambda event, **fields: told.append(event),
        )
        with anyio.fail_after(PATIENCE_SECONDS):
            network.tasks.start_soon(leg.line.run)
            network.tasks.start_soon(_run, stream, scope := anyio.CancelScope())
            await arrival.wait()
            yield Gateway(arrived[0], told, network, scope.cancel)
        done.set()


async def _run(stream: AudioStream, scope: anyio.CancelScope) -> None:
    with scope:
        await stream.run(URL)


async def test_a_stream_begins_as_plivo_documents_it() -> None:
    async with streaming() as gateway:
        start = json.loads(await gateway.socket.recv())
        media = json.loads(await gateway.socket.recv())
        again = json.loads(await gateway.socket.recv())
    stream_id = start["start"].pop("streamId")
    assert start == {
        "sequenceNumber": 1,
        "event": "start",
        "start": {
            "callId": "the-call",
            "accountId": AUTH_ID,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
        },
        "extra_headers": "a=1;b=2",
    }
    assert (media["sequenceNumber"], media["media"]["chunk"], media["streamId"]) == (
        2,
        1,
        stream_id,
    )
    assert (again["sequenceNumber"], again["media"]["chunk"]) == (3, 2)
    assert len(base64.b64decode(media["media"]["payload"])) == 160
    assert media["media"]["timestamp"].isdigit()


async def test_the_handshake_is_signed_as_a_get_in_the_http_form() -> None:
    async with streaming() as gateway:
        assert gateway.socket.request is not None
        headers = gateway.socket.request.headers
        nonce = headers["x-plivo-signature-v3-nonce"]
        expected = handshake_headers(token=AUTH_TOKEN, url=URL, nonce=nonce)
        assert headers["x-plivo-signature-v3"] == expected["x-plivo-signature-v3"]
        assert headers["x-plivo-signature-ma-v3"] == expected["x-plivo-signature-v3"]
        assert headers["host"] == "calls.example.com"


async def test_a_checkpoint_comes_back_when_it_was_played_and_never_after_a_clear() -> None:
    async with streaming() as gateway:
        stream_id = (await gateway.until("start"))["start"]["streamId"]
        await gateway.play(TONE * 5)
        await gateway.send("checkpoint", streamId=stream_id, name="played")
        assert (await gateway.until("playedStream"))["name"] == "played"
        await gateway.play(TONE * 60)
        await gateway.send("checkpoint", streamId=stream_id, name="dropped")
        await gateway.send("clearAudio", streamId=stream_id)
        await gateway.until("clearedAudio")
        await gateway.send("checkpoint", streamId=stream_id, name="next")
        assert (await gateway.until("playedStream"))["name"] == "next"
        assert gateway.told == ["StartStream", "PlayedStream", "ClearedAudio", "PlayedStream"]


@pytest.mark.parametrize(
    "frame",
    [
        {"event": "playAudio", "media": {"contentType": "audio/x-mulaw;rate=8000"}},
        {"event": "clearAudio", "streamId": "another"},
        {"event": "clear"},
        ["no object"],
    ],
)
async def test_a_frame_that_plivo_does_not_take_is_told_and_the_stream_goes_on(
    frame: object,
) -> None:
    async with streaming() as gateway:
        stream_id = (await gateway.until("start"))["start"]["streamId"]
        await gateway.socket.send(json.dumps(frame))
        assert (await gateway.until("incorrectPayload"))["reason"]
        await gateway.send("clearAudio", streamId=stream_id)
        await gateway.until("clearedAudio")
        assert len(gateway.network.faults) == 1


async def test_audio_that_is_not_paced_degrades_the_stream_and_is_lost_at_last() -> None:
    async with streaming() as gateway:
        stream_id = (await gateway.until("start"))["start"]["streamId"]
        for _ in range(70):
            await gateway.play(b"\xff" * 8000)
        await gateway.send("clearAudio", streamId=stream_id)
        await gateway.until("clearedAudio")
        assert gateway.told.count("DegradedStream") == 3
        assert any("lost" in fault for fault in gateway.network.faults)


@pytest.mark.parametrize("stop_frame", [False, True])
async def test_a_stream_that_the_call_leaves_says_stop_where_that_is_the_habit(
    stop_frame: bool,
) -> None:
    async with streaming(Habits(stop_frame=stop_frame)) as gateway:
        await gateway.until("start")
        gateway.leave()
        events = [json.loads(text)["event"] async for text in gateway.socket]
        assert ("stop" in events) is stop_frame
        assert gateway.told == ["StartStream", "StopStream"]
