"""Does a media stream of the live double behave as Twilio's does?"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from voicecall_conformance.phones import Leg
from voicecall_twilio.network import TwilioNetwork
from voicecall_twilio.network.letters import sign
from voicecall_twilio.network.network import TOKEN

pytestmark = pytest.mark.anyio

Doubled = Any


@asynccontextmanager
async def streamed(
    doubled: Doubled, converse: Callable[[ServerConnection], Any], *, parameters: str = ""
) -> AsyncIterator[tuple[TwilioNetwork, Leg]]:
    """A call whose document streams to `converse`, and then hangs up."""
    async with doubled() as double, serve(converse, "127.0.0.1", 0) as server:
        double.network.connect("127.0.0.1", server.sockets[0].getsockname()[1])
        stream = f"<Stream url='wss://gateway.example/m'>{parameters}</Stream>"
        leg = await double.dial(Twiml=f"<Response><Connect>{stream}</Connect></Response>")
        yield double.network, leg


async def test_a_stream_begins_as_twilio_begins_it(doubled: Doubled) -> None:
    opened: list[tuple[Any, ...]] = []

    async def converse(socket: ServerConnection) -> None:
        assert socket.request is not None
        frames = [json.loads(await socket.recv()) for _ in range(4)]
        opened.append((socket.request.headers["x-twilio-signature"], *frames))

    parameters = "<Parameter name='token' value='abc'/>"
    async with streamed(doubled, converse, parameters=parameters) as (network, leg):
        await network.calls[leg.id].told.wait()
    ((signature, connected, start, first, second),) = opened
    assert signature == sign("wss://gateway.example/m", {}, token=TOKEN)
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert (start["event"], start["sequenceNumber"]) == ("start", "1")
    assert start["start"]["callSid"] == leg.id
    assert start["start"]["customParameters"] == {"token": "abc"}
    chunks = [(each["sequenceNumber"], each["media"]["chunk"]) for each in (first, second)]
    assert chunks == [("2", "1"), ("3", "2")]
    assert len(base64.b64decode(first["media"]["payload"])) == 160


async def test_marks_come_back_when_played_or_cleared_and_faults_are_noted_once(
    doubled: Doubled,
) -> None:
    marks: list[str] = []

    async def converse(socket: ServerConnection) -> None:
        await socket.recv()
        sid = json.loads(await socket.recv())["streamSid"]
        voice = base64.b64encode(b"\x01" * 160 * 500).decode()
        for frame in (
            {"event": "media", "media": {"payload": voice, "track": "outbound"}},
            {"event": "media", "media": {"payload": voice}, "extra": 1},
            {"event": "mark", "mark": {"name": "at once"}},
            {"event": "media", "media": {"payload": voice}},
            {"event": "mark", "mark": {"name": "cleared"}},
            {"event": "clear"},
        ):
            await socket.send(json.dumps({**frame, "streamSid": sid}))
        await socket.send(b"binary")
        while len(marks) < 2:
            frame = json.loads(await socket.recv())
            if frame["event"] == "mark":
                marks.append(frame["mark"]["name"])

    async with streamed(doubled, converse) as (network, leg):
        await network.calls[leg.id].told.wait()
        assert marks == ["at once", "cleared"]
        assert [fault.partition(":")[0] for fault in network.faults] == ["31951", "31950"]
        assert leg.line.seconds < 9
