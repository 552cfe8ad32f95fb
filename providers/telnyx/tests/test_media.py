"""Do frames carry what they should, in every form in which Telnyx writes them?"""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    MULAW_8K,
    CarrierCallId,
    ClearAudio,
    MediaAudio,
    MediaFault,
    MediaStarted,
    PlaceMark,
    PlayAudio,
)
from voicecall_telnyx.legs import Keys
from voicecall_telnyx.media import LONGEST_AUDIO_BYTES, TelnyxMedia
from voicecall_telnyx.network import frames

START = MediaStarted(stream_id="s", carrier_call_id=CarrierCallId("v3:x"), format=MULAW_8K)


def media() -> TelnyxMedia:
    return TelnyxMedia(lambda call: Keys())


def started(**form: object) -> object:
    start = {"call_control_id": "v3:x", "media_format": form} if form else {"call_control_id": "x"}
    (event,) = media().receive(json.dumps({"event": "start", "stream_id": "s", "start": start}))
    return event


@given(st.binary(min_size=1, max_size=2000))
def test_audio_arrives_as_it_was_sent(data: bytes) -> None:
    (frame,) = frames.frames(MediaAudio(data=data))
    assert media().receive(frame) == (MediaAudio(data=data),)


@given(st.integers(1, 5000))
def test_audio_of_any_length_leaves_whole_and_in_messages_that_telnyx_takes(count: int) -> None:
    data = bytes(place % 251 for place in range(160)) * count
    sent = media().send(PlayAudio(data=data))
    heard = [frames.read_frame(frame) for frame in sent]
    assert b"".join(each.data for each in heard if isinstance(each, PlayAudio)) == data
    assert all(len(frame) < 65_536 for frame in sent)
    assert len(sent) == -(-len(data) // LONGEST_AUDIO_BYTES)


@given(st.text(max_size=40))
def test_a_mark_keeps_its_name(name: str) -> None:
    (frame,) = media().send(PlaceMark(name=name))
    assert frames.read_frame(frame) == PlaceMark(name=name)


def test_our_frames_have_the_documented_fields_and_no_more() -> None:
    assert [json.loads(frame) for frame in media().send(PlayAudio(data=b"\x7f" * 160))] == [
        {"event": "media", "media": {"payload": base64.b64encode(b"\x7f" * 160).decode()}}
    ]
    assert [json.loads(frame) for frame in media().send(ClearAudio())] == [{"event": "clear"}]


@pytest.mark.parametrize("rate", [8000, "8000"])
def test_a_start_names_its_call_whatever_the_form_of_its_numbers(rate: object) -> None:
    event = started(encoding="PCMU", sample_rate=rate, channels="1")
    assert event == START


def test_a_start_without_a_format_is_taken_for_what_was_asked_for() -> None:
    assert isinstance(started(), MediaStarted)


@pytest.mark.parametrize(("codec", "rate"), [("PCMA", 8000), ("L16", 16000), ("PCMU", 16000)])
def test_another_codec_than_was_asked_for_is_a_fault(codec: str, rate: int) -> None:
    event = started(encoding=codec, sample_rate=rate)
    assert isinstance(event, MediaFault)
    assert codec in event.detail


@pytest.mark.parametrize("parameters", [{}, [], [{"name": "a", "value": "b"}], {"a": "b"}, None])
def test_custom_parameters_may_be_an_object_or_a_list(parameters: object) -> None:
    start = {"call_control_id": "v3:x", "custom_parameters": parameters}
    (event,) = media().receive(json.dumps({"event": "start", "stream_id": "s", "start": start}))
    assert event == START


def test_what_telnyx_adds_later_is_passed_over() -> None:
    assert media().receive('{"event":"applause","applause":{"claps":7}}') == ()
    assert media().receive('{"event":"connected","version":"2","token":"x","new":[1]}') == ()


@given(st.text() | st.binary())
def test_no_frame_raises(frame: str | bytes) -> None:
    protocol = media()
    for event in protocol.receive(frame):
        assert isinstance(event, MediaFault)
