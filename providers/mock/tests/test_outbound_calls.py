"""Does a simulated call go as a real one would? Placed, answered, streamed, ended."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    ClearAudio,
    EndCause,
    EndedBy,
    MediaAudio,
    MediaMark,
    PlaceMark,
    PlayAudio,
    RecordingReady,
)

pytestmark = pytest.mark.anyio

NUMBER = "+15550001111"
LOUD = b"\x00\x80" * 80


async def test_a_streamed_call_runs_from_ringing_to_the_callees_hang_up(
    world: Any, tmp_path: Path
) -> None:
    steps = [{"listen": True}, {"say": "hello there"}, {"hangUp": True}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]

        async def talk(stream: Any) -> None:
            await stream.until(lambda event: isinstance(event, MediaAudio))
            await stream.send(PlayAudio(data=LOUD * 50))
            await stream.send(PlaceMark(name="end"))

        gateway.on_stream = talk
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            ended = await gateway.until(CallEnded)
    assert gateway.kinds() == [
        "CallRinging",
        "CallAnswered",
        "StreamChanged",
        "StreamChanged",
        "RecordingReady",
        "CallEnded",
    ]
    assert (ended.cause, ended.ended_by) == (EndCause.COMPLETED, EndedBy.CALLEE)
    assert ended.call_id == call.call_id
    assert ended.call_secret == call.secret
    assert ended.carrier_call_id == call.carrier_call_id
    assert any(isinstance(event, MediaMark) for event in gateway.streams[0].events)


async def test_what_the_phone_heard_and_said_is_kept(world: Any, tmp_path: Path) -> None:
    steps = [{"listen": True}, {"say": "hello there"}, {"hangUp": True}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]

        async def talk(stream: Any) -> None:
            await stream.until(lambda event: isinstance(event, MediaAudio))
            await stream.send(PlayAudio(data=LOUD * 50))

        gateway.on_stream = talk
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            kept = await gateway.until(RecordingReady)
            await gateway.until(CallEnded)
    stereo = Path(kept.location)
    with wave.open(str(stereo)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        length = file.getnframes()
    with wave.open(str(stereo.with_suffix(".heard.wav"))) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, length)
    transcript = json.loads(stereo.with_suffix(".transcript.json").read_text())
    assert [(line["speaker"], line["kind"]) for line in transcript["lines"]] == [
        ("us", "heard"),
        ("phone", "said"),
    ]
    assert "hello there" in stereo.with_suffix(".transcript.txt").read_text()


async def test_marks_come_back_when_played_and_at_once_when_cleared(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(CallAnswered)
            while not gateway.streams:
                await anyio.lowlevel.checkpoint()
            stream = gateway.streams[0]
            await stream.until(lambda event: isinstance(event, MediaAudio))
            await stream.send(PlayAudio(data=LOUD))
            await stream.send(PlaceMark(name="short"))
            await stream.until(lambda event: event == MediaMark(name="short"))
            for _ in range(10):
                await stream.send(PlayAudio(data=b"\xff" * 8000 * 60))
            await stream.send(PlaceMark(name="long"))
            await stream.send(ClearAudio())
            await stream.until(lambda event: event == MediaMark(name="long"))
            await gateway.provider.hang_up(call)
            ended = await gateway.until(CallEnded)
    assert ended.ended_by is EndedBy.API
