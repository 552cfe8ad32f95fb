"""Does a stream carry audio and marks as Plivo wants them?"""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    ClearAudio,
    MediaAudio,
    MediaError,
    MediaFault,
    MediaMark,
    PlaceMark,
    PlayAudio,
)
from voicecall_plivo.double import frames
from voicecall_plivo.media import PlivoMedia

STREAM_ID = "20170ada-f610-433b-8758-c02a2aab3662"


def begun() -> PlivoMedia:
    stream = PlivoMedia()
    stream.receive(frames.start_frame(STREAM_ID, call_id="c1", account_id="MA"))
    return stream


def event(kind: str, **fields: str) -> str:
    return frames.event_frame(kind, STREAM_ID, fields, number=1)


def marks(stream: PlivoMedia, frame: str) -> list[str]:
    return [each.name for each in stream.receive(frame) if isinstance(each, MediaMark)]


def test_audio_to_plivo_names_its_rate_beside_its_content_type() -> None:
    (frame,) = begun().send(PlayAudio(data=b"\x7f" * 160))
    assert json.loads(frame) == {
        "event": "playAudio",
        "media": {
            "contentType": "audio/x-mulaw",
            "sampleRate": 8000,
            "payload": base64.b64encode(b"\x7f" * 160).decode(),
        },
    }


def test_marks_and_clears_name_their_stream() -> None:
    stream = begun()
    (mark,) = stream.send(PlaceMark(name="turn-7"))
    (clear,) = stream.send(ClearAudio())
    assert json.loads(mark) == {"event": "checkpoint", "streamId": STREAM_ID, "name": "turn-7"}
    assert json.loads(clear) == {"event": "clearAudio", "streamId": STREAM_ID}


@given(st.binary(max_size=50_000))
def test_audio_of_any_length_arrives_whole_in_messages_that_plivo_takes(data: bytes) -> None:
    commands = [
        frames.read_command(frame, stream_id=STREAM_ID)
        for frame in begun().send(PlayAudio(data=data))
    ]
    assert b"".join(each.data for each in commands if isinstance(each, PlayAudio)) == data


def test_checkpoints_that_a_clear_dropped_come_back_with_plivos_word_that_it_cleared() -> None:
    stream = begun()
    for name in ("one", "two", "three"):
        stream.send(PlaceMark(name=name))
    assert marks(stream, event("playedStream", name="one")) == ["one"]
    stream.send(ClearAudio())
    stream.send(PlaceMark(name="after"))
    assert marks(stream, event("clearedAudio")) == ["two", "three"]
    assert marks(stream, event("playedStream", name="after")) == ["after"]


def test_every_clear_settles_its_own_checkpoints() -> None:
    stream = begun()
    for name in ("one", "two"):
        stream.send(PlaceMark(name=name))
        stream.send(ClearAudio())
    assert marks(stream, event("clearedAudio")) == ["one"]
    assert marks(stream, event("clearedAudio")) == ["two"]
    assert marks(stream, event("clearedAudio")) == []


def test_a_checkpoint_that_was_passed_silently_is_not_settled_by_a_later_clear() -> None:
    stream = begun()
    for name in ("one", "two"):
        stream.send(PlaceMark(name=name))
    assert marks(stream, event("playedStream", name="two")) == ["two"]
    stream.send(ClearAudio())
    assert marks(stream, event("clearedAudio")) == []


def test_a_checkpoint_that_was_reached_while_we_cleared_comes_back_once() -> None:
    stream = begun()
    for name in ("one", "two"):
        stream.send(PlaceMark(name=name))
    stream.send(ClearAudio())
    assert marks(stream, event("playedStream", name="one")) == ["one"]
    assert marks(stream, event("clearedAudio")) == ["two"]


def test_nothing_is_sent_before_the_stream_has_started() -> None:
    with pytest.raises(MediaError):
        PlivoMedia().send(PlayAudio(data=b"\x7f"))


def test_another_encoding_than_was_asked_for_is_a_fault() -> None:
    start = json.loads(frames.start_frame(STREAM_ID, call_id="c1", account_id="MA"))
    start["start"]["mediaFormat"] = {"encoding": "audio/x-l16", "sampleRate": 16000}
    (fault,) = PlivoMedia().receive(json.dumps(start))
    assert isinstance(fault, MediaFault) and "audio/x-l16" in fault.detail


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["start", "media", "dtmf", "playedStream", "clearedAudio", "error"])


@given(NAMES, st.dictionaries(st.sampled_from(["start", "media", "dtmf", "name"]), JSON))
def test_a_frame_of_any_shape_is_read_or_is_a_fault(name: str, fields: dict[str, object]) -> None:
    stream = begun()
    stream.receive(json.dumps({"event": name, "streamId": STREAM_ID, **fields}))
    audio = MediaAudio(data=b"\x7f" * 160)
    again = frames.media_frame(STREAM_ID, audio.data, chunk=1, number=2, at_ms=0)
    assert stream.receive(again) == (audio,)


@given(st.text() | st.binary())
def test_a_frame_that_is_no_json_is_a_fault(frame: str | bytes) -> None:
    try:
        json.loads(frame)
    except ValueError:
        (fault,) = begun().receive(frame)
        assert isinstance(fault, MediaFault)
