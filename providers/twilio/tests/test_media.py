"""Does a media stream carry what Twilio documents, and nothing more?"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    MULAW_8K,
    CallId,
    CarrierCallId,
    ClearAudio,
    MediaError,
    MediaFault,
    MediaStarted,
    PlaceMark,
    PlayAudio,
    StreamOpening,
    StreamToken,
)
from voicecall_twilio.media import TwilioMedia

SAMPLES = json.loads((Path(__file__).parent / "samples" / "frames.json").read_bytes())
START = next(sample["frame"] for sample in SAMPLES if sample["name"] == "start")
OPENING = StreamOpening(call_id=CallId("c"), token=StreamToken("t"), url="wss://h/t")


def started() -> TwilioMedia:
    media = TwilioMedia()
    media.receive(json.dumps(START))
    return media


def test_every_sample_says_what_it_says() -> None:
    media = TwilioMedia()
    for sample in SAMPLES:
        events = media.receive(json.dumps(sample["frame"]))
        assert [type(event).__name__ for event in events] == [
            wanted["kind"] for wanted in sample["events"]
        ], sample["name"]
        for event, wanted in zip(events, sample["events"], strict=True):
            for name, value in wanted.items():
                assert name == "kind" or getattr(event, name) == value, sample["name"]


def test_what_we_send_has_the_documented_fields_and_no_more() -> None:
    media, stream = started(), START["streamSid"]
    audio = b"\x7f" * 160
    commands = (PlayAudio(data=audio), PlaceMark(name="turn-7"), ClearAudio())
    assert [json.loads(frame) for each in commands for frame in media.send(each)] == [
        {
            "event": "media",
            "streamSid": stream,
            "media": {"payload": base64.b64encode(audio).decode()},
        },
        {"event": "mark", "streamSid": stream, "mark": {"name": "turn-7"}},
        {"event": "clear", "streamSid": stream},
    ]


def test_no_audio_is_no_frame() -> None:
    assert started().send(PlayAudio(data=b"")) == ()


def test_nothing_can_be_sent_before_the_start() -> None:
    with pytest.raises(MediaError):
        TwilioMedia().send(ClearAudio())


@pytest.mark.parametrize(
    "spoken",
    [
        {"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": "1"},
        {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    ],
)
def test_the_format_may_be_written_in_numbers_or_text(spoken: dict[str, object]) -> None:
    frame = {**START, "start": {**START["start"], "mediaFormat": spoken}}
    assert TwilioMedia().receive(json.dumps(frame)) == (
        MediaStarted(
            stream_id=START["streamSid"],
            carrier_call_id=CarrierCallId(START["start"]["callSid"]),
            format=MULAW_8K,
        ),
    )


def test_another_format_is_a_fault() -> None:
    other = {"encoding": "audio/l16", "sampleRate": 16000, "channels": 1}
    frame = {**START, "start": {**START["start"], "mediaFormat": other}}
    assert isinstance(TwilioMedia().receive(json.dumps(frame))[0], MediaFault)


@given(
    st.one_of(
        st.text(max_size=200),
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
        ).map(json.dumps),
        st.sampled_from(["[" * 100_000, '{"event":' * 50_000]),
    )
)
def test_no_frame_raises(frame: str | bytes) -> None:
    for media in (TwilioMedia(), started()):
        assert all(isinstance(event, MediaFault) for event in media.receive(frame))


@given(st.binary(min_size=1, max_size=2000))
def test_audio_survives_both_ways(data: bytes) -> None:
    media = started()
    sent = json.loads(str(media.send(PlayAudio(data=data))[0]))
    assert base64.b64decode(sent["media"]["payload"]) == data
