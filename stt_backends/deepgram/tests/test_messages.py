"""Does a message say what Deepgram documents, and does nothing else ever raise?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import SpeechBegan, SpeechFinal, SpeechPartial
from voicecall_stt_deepgram.messages import Result, SpeechStarted, Unreadable, UtteranceEnd, parse
from voicecall_stt_deepgram.turns import Turns

SAMPLES = json.loads((Path(__file__).parent / "samples" / "messages.json").read_text())


@pytest.mark.parametrize("sample", SAMPLES["messages"])
def test_a_documented_message_is_understood(sample: dict[str, Any]) -> None:
    found = parse(json.dumps(sample["sent"]))
    if sample["means"] is None:
        assert found is None
    else:
        assert found is not None
        assert {"kind": type(found).__name__} | asdict(found) == pytest.approx(sample["means"])


KINDS = st.sampled_from(["Results", "SpeechStarted", "UtteranceEnd", "Error", "Metadata", "New"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(
    st.binary()
    | st.builds(
        lambda kind, rest: json.dumps(rest | {"type": kind}).encode(),
        KINDS,
        st.dictionaries(st.sampled_from(["channel", "start", "duration", "last_word_end"]), JSON),
    )
)
def test_whatever_comes_is_read_or_refused(message: bytes) -> None:
    parse(message)


def test_what_cannot_be_read_is_told_without_quoting_it() -> None:
    found = parse('{"type": "Results", "channel": "secret words"}')
    assert isinstance(found, Unreadable) and "secret" not in found.reason


def result(text: str, until: float, *, final: bool = True, ends: bool = False) -> Result:
    words_end = until - 0.1 if text else None
    return Result(
        text=text, confidence=0.5, until=until, words_end=words_end, is_final=final, ends_turn=ends
    )


def test_a_turn_is_every_settled_stretch_until_the_caller_stops() -> None:
    turns = Turns()
    said = [
        SpeechStarted(),
        result("I would", 1, final=False),
        result("I would like", 1.5),
        result("", 2),
        result("a table", 2.5, final=False),
        result("a table", 3, ends=True),
        UtteranceEnd(words_end=2.9),
        result("", 4),
    ]
    events = [event for message in said for event in turns.hear(message, 3.5)]
    assert events == [
        SpeechBegan(),
        SpeechPartial(text="I would"),
        SpeechPartial(text="I would like"),
        SpeechPartial(text="I would like a table"),
        SpeechFinal(
            text="I would like a table", confidence=0.5, speech_ended_ago=pytest.approx(0.6)
        ),
    ]


def test_a_voice_without_words_ends_empty() -> None:
    turns = Turns()
    events = [*turns.hear(SpeechStarted(), 1), *turns.hear(result("", 2, ends=True), 2)]
    assert events == [SpeechBegan(), SpeechFinal(text="")]


def test_words_without_a_voice_begin_a_turn() -> None:
    events = list(Turns().hear(result("Hm", 1, final=False), 1))
    assert events == [SpeechBegan(), SpeechPartial(text="Hm")]
