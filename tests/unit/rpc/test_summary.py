"""Does the summary of an ended call say what whoever asked for it wants to know?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from voicecall.model.call import (
    TERMINAL_STATES,
    CallMode,
    CallRecord,
    CallState,
    Direction,
    Speaker,
    TranscriptLine,
)
from voicecall.model.ids import CallId
from voicecall.rpc.summary import ended_object, summary_object

LINES = (
    TranscriptLine(timestamp=1002.0, speaker=Speaker.BOT, text="Hello there, how", heard="Hello"),
    TranscriptLine(timestamp=1003.0, speaker=Speaker.USER, text="Hi"),
)
RECORD = CallRecord(
    call_id=CallId("c-1"),
    provider="mock",
    direction=Direction.OUTBOUND,
    state=CallState.HANGUP_USER,
    mode=CallMode.CONVERSATION,
    from_number="+15550001111",
    to_number="+15550002222",
    started_at=1000.0,
    answered_at=1001.2345,
    ended_at=1010.0,
    end_reason=CallState.HANGUP_USER,
    secret="canary",
    transcript=LINES,
)


def test_a_conversation_is_summed_up_with_what_was_heard_of_it() -> None:
    assert summary_object(RECORD) == {
        "outcome": "hangup-user",
        "successful": True,
        "answered": True,
        "durationSeconds": 8.8,
        "endedBy": "user",
        "turns": 1,
        "transcript": "bot: Hello [cut off]\nuser: Hi",
    }


def test_a_call_that_nobody_answered_lasted_no_time_and_was_ended_by_nobody() -> None:
    record = replace(
        RECORD,
        state=CallState.NO_ANSWER,
        answered_at=None,
        transcript=(),
        end_detail="rang for 30 s",
    )
    assert summary_object(record) == {
        "outcome": "no-answer",
        "successful": False,
        "answered": False,
        "durationSeconds": 0.0,
        "turns": 0,
        "transcript": "",
        "detail": "rang for 30 s",
    }


@pytest.mark.parametrize(
    ("changes", "who"),
    [
        ({"state": CallState.COMPLETED}, None),
        ({"state": CallState.COMPLETED, "mode": CallMode.NOTIFY}, "bot"),
        ({"state": CallState.HANGUP_BOT}, "bot"),
        ({"state": CallState.TIMEOUT}, "gateway"),
        ({"state": CallState.FAILED}, "carrier"),
        ({"state": CallState.REJECTED}, "user"),
        ({"state": CallState.REJECTED, "direction": Direction.INBOUND}, "gateway"),
    ],
)
def test_who_ended_the_call_is_told_when_it_is_known(changes: Any, who: str | None) -> None:
    assert summary_object(replace(RECORD, **changes)).get("endedBy") == who


def test_every_end_has_a_summary_and_the_secret_is_in_none() -> None:
    for state in TERMINAL_STATES:
        ended = ended_object(replace(RECORD, state=state, end_reason=state))
        assert ended["type"] == "call"
        assert ended["summary"]["outcome"] == state.value  # type: ignore[index]
        assert "canary" not in str(ended)


def test_a_clock_that_was_set_back_makes_no_negative_duration() -> None:
    assert summary_object(replace(RECORD, ended_at=900.0))["durationSeconds"] == 0.0
