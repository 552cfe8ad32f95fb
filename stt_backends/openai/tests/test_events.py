"""Does an event say what OpenAI documents, and do turns keep their order?"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial
from voicecall_stt_openai.config import OpenAiSttConfig, findings
from voicecall_stt_openai.messages import (
    Committed,
    Completed,
    Delta,
    Failed,
    ItemEvent,
    SpeechStarted,
    SpeechStopped,
    Unreadable,
    parse,
    session,
)
from voicecall_stt_openai.models import DEFAULT_MODEL, ENDS, WITHOUT_VAD
from voicecall_stt_openai.turns import Turns

SAMPLES = json.loads((Path(__file__).parent / "samples" / "events.json").read_text())
TODAY = date(2026, 11, 22)


def config(**section: object) -> OpenAiSttConfig:
    return OpenAiSttConfig.model_validate({"apiKey": "sk-x"} | section)


@pytest.mark.parametrize("sample", SAMPLES["events"])
def test_a_documented_event_is_understood(sample: dict[str, Any]) -> None:
    found = parse(json.dumps(sample["sent"]))
    if sample["means"] is None:
        assert found is None
    else:
        assert found is not None
        assert {"kind": type(found).__name__} | asdict(found) == sample["means"]


KINDS = st.sampled_from([sample["sent"]["type"] for sample in SAMPLES["events"]])
KEYS = st.sampled_from(["item_id", "audio_end_ms", "delta", "transcript", "error"])
JSON = st.none() | st.booleans() | st.floats() | st.text() | st.lists(st.integers())


@given(
    st.binary()
    | st.builds(
        lambda kind, rest: json.dumps(rest | {"type": kind}).encode(),
        KINDS,
        st.dictionaries(KEYS, JSON),
    )
)
def test_whatever_comes_is_read_or_refused(message: bytes) -> None:
    parse(message)


def test_what_cannot_be_read_is_told_without_quoting_it() -> None:
    assert parse('{"secret words"') == Unreadable(reason="JSONDecodeError")


def turns(writing_seconds: float = 8) -> Turns:
    return Turns(silence_seconds=0.5, writing_seconds=writing_seconds)


def told(
    turns: Turns, *events: ItemEvent, position: float = 3, now: float = 0
) -> list[SpeechEvent]:
    return [one for event in events for one in turns.hear(event, position=position, now=now)]


def spoken(item: str, previous: str | None, until: float = 2) -> list[ItemEvent]:
    return [
        SpeechStarted(item=item),
        SpeechStopped(item=item, until=until),
        Committed(item=item, previous=previous),
    ]


def test_a_turn_is_begun_told_while_it_is_written_and_over() -> None:
    events = [*spoken("a", None), Delta(item="a", text="Hello"), Delta(item="a", text=", you")]
    assert told(turns(), *events, Completed(item="a", text=" Hello, you! ")) == [
        SpeechBegan(),
        SpeechPartial(text="Hello"),
        SpeechPartial(text="Hello, you"),
        SpeechFinal(text="Hello, you!", speech_ended_ago=1.5),
    ]


def test_turns_that_are_written_down_in_disorder_are_told_in_order() -> None:
    begun = [*spoken("a", None), *spoken("b", "a"), Delta(item="b", text="two")]
    written = [Completed(item="b", text="two"), Completed(item="a", text="one")]
    events = told(turns(), *begun, *written)
    assert [type(event) for event in events] == [SpeechBegan, SpeechFinal] * 2
    assert [event.text for event in events if isinstance(event, SpeechFinal)] == ["one", "two"]


def test_a_turn_that_was_never_heard_of_takes_the_place_that_openai_names() -> None:
    begun = [*spoken("a", None), *spoken("c", "b"), Committed(item="b", previous="a")]
    written = [Completed(item=item, text=item) for item in "cba"]
    events = told(turns(), *begun, *written)
    assert [event.text for event in events if isinstance(event, SpeechFinal)] == ["a", "b", "c"]


def test_a_turn_that_failed_ends_with_what_is_known_and_holds_nothing_up() -> None:
    events = told(turns(), *spoken("a", None), Delta(item="a", text="One"))
    assert events[-1] == SpeechPartial(text="One")
    hearing = turns()
    begun = [*spoken("a", None), *spoken("b", "a"), Completed(item="b", text="two")]
    assert told(hearing, *begun) == [SpeechBegan()]
    events = told(hearing, Failed(item="a", fault=None))
    assert [event.text for event in events if isinstance(event, SpeechFinal)] == ["", "two"]


def test_a_turn_that_is_never_written_down_expires_and_comes_no_more() -> None:
    hearing = turns(writing_seconds=8)
    told(hearing, *spoken("a", None), Delta(item="a", text="One"), now=10)
    assert list(hearing.expire(position=3, now=17)) == []
    (final,) = hearing.expire(position=3, now=18)
    assert final == SpeechFinal(text="One", speech_ended_ago=1.5)
    assert told(hearing, Completed(item="a", text="One")) == []


def test_speech_that_goes_on_never_expires() -> None:
    hearing = turns()
    told(hearing, SpeechStarted(item="a"))
    assert list(hearing.expire(position=3, now=1000)) == [] and hearing.pending


def test_a_turn_that_is_heard_again_after_a_loss_began_only_once() -> None:
    hearing = turns()
    told(hearing, SpeechStarted(item="a"))
    hearing.reconnect()
    events = told(hearing, *spoken("x", None), Completed(item="x", text="One"))
    assert events == [SpeechFinal(text="One", speech_ended_ago=1.5)]


def test_what_was_begun_is_finished_with_what_is_known() -> None:
    hearing = turns()
    told(hearing, *spoken("a", None), Delta(item="a", text="One "))
    assert list(hearing.finish()) == [SpeechFinal(text="One", speech_ended_ago=0.0)]
    assert list(hearing.finish()) == []
    told(hearing, *spoken("b", None), Delta(item="b", text="Two "))
    hearing.reconnect()
    assert list(hearing.finish()) == [SpeechFinal(text="Two")]


ITEMS = st.sampled_from(["a", "b", "c"])
EVENTS = st.one_of(
    st.builds(SpeechStarted, item=ITEMS),
    st.builds(SpeechStopped, item=ITEMS, until=st.floats(0, 10)),
    st.builds(Committed, item=ITEMS, previous=ITEMS | st.none()),
    st.builds(Delta, item=ITEMS, text=st.text(max_size=3)),
    st.builds(Completed, item=ITEMS, text=st.text(max_size=3)),
    st.builds(Failed, item=ITEMS, fault=st.none()),
    st.none(),
)


@given(st.lists(EVENTS))
def test_whatever_order_events_come_in_ours_are_begun_partials_final(
    events: list[ItemEvent | None],
) -> None:
    hearing, ours = turns(), []
    for event in events:
        if event is None:
            hearing.reconnect()
        else:
            ours += told(hearing, event)
    ours += hearing.finish()
    speaking = False
    for one in ours:
        assert isinstance(one, SpeechBegan) is not speaking
        speaking = not isinstance(one, SpeechFinal)
    assert not speaking


def test_a_session_asks_for_what_is_configured() -> None:
    section = {
        "model": "gpt-transcribe",
        "language": "de",
        "prompt": "A bank.",
        "keywords": ["voicecall"],
        "vadThreshold": 0.7,
        "prefixPaddingMs": 200,
        "noiseReduction": "near_field",
    }
    assert json.loads(session(config(**section), silence_ms=600)) == {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {
                        "model": "gpt-transcribe",
                        "language": "de",
                        "prompt": "A bank.",
                        "keywords": ["voicecall"],
                    },
                    "turn_detection": {
                        "type": "server_vad",
                        "threshold": 0.7,
                        "prefix_padding_ms": 200,
                        "silence_duration_ms": 600,
                    },
                    "noise_reduction": {"type": "near_field"},
                }
            },
        },
    }


def test_the_default_model_lives_on_and_hears_the_ends_of_speech() -> None:
    assert findings(config(), today=date(2100, 1, 1)) == []
    assert DEFAULT_MODEL not in ENDS and DEFAULT_MODEL not in WITHOUT_VAD


@pytest.mark.parametrize("model", sorted(ENDS))
def test_an_announced_end_is_told_with_its_date(model: str) -> None:
    (finding,) = findings(config(model=model), today=TODAY)
    assert "2027-02-26" in finding.message and " ends on " in finding.message
    (finding,) = findings(config(model=model), today=ENDS[model])
    assert " ended on " in finding.message


def test_a_model_that_does_not_hear_the_ends_of_speech_is_told() -> None:
    (finding,) = findings(config(model="gpt-realtime-whisper"), today=TODAY)
    assert DEFAULT_MODEL in (finding.remedy or "")


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.openai.com/v1/", "wss://api.openai.com/v1/realtime?intent=transcription"),
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/realtime?intent=transcription"),
        ("wss://proxy.example/a", "wss://proxy.example/a/realtime?intent=transcription"),
    ],
)
def test_the_address_is_that_of_a_transcription_session(base: str, url: str) -> None:
    assert config(baseUrl=base).url == url


@pytest.mark.parametrize(
    "section",
    [{"language": "german"}, {"vadThreshold": 2}, {"silenceDurationMs": 0}, {"tier": 1}],
)
def test_what_cannot_be_is_refused(section: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        config(**section)
