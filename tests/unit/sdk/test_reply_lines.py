"""Is what a program outside writes read as it means it, and refused when it means nothing?"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    CallId,
    CallMode,
    Direction,
    EndCall,
    NoteOutcome,
    PressDigits,
    ReplyText,
    ResponderError,
    Speaker,
    TranscriptLine,
    TransferCall,
    Turn,
    read_reply_line,
    turn_object,
)


def test_a_turn_is_one_json_object_with_what_was_said_and_heard_before() -> None:
    turn = Turn(
        call_id=CallId("one"),
        number=2,
        text="über alles",
        direction=Direction.INBOUND,
        mode=CallMode.CONVERSATION,
        from_number=None,
        to_number="+15550001111",
        history=(
            TranscriptLine(timestamp=1.0, speaker=Speaker.BOT, text="Hello there", heard="Hello"),
            TranscriptLine(timestamp=2.0, speaker=Speaker.USER, text="Hi"),
        ),
        session_key="key",
    )
    assert json.loads(json.dumps(turn_object(turn))) == {
        "callId": "one",
        "number": 2,
        "text": "über alles",
        "direction": "inbound",
        "mode": "conversation",
        "from": None,
        "to": "+15550001111",
        "sessionKey": "key",
        "agentId": "main",
        "history": [{"speaker": "bot", "text": "Hello"}, {"speaker": "user", "text": "Hi"}],
    }


def test_what_a_reply_does_comes_after_what_it_says() -> None:
    line = read_reply_line(
        '{"end": true, "transferTo": "+15550001234", "press": "1w", "say": "Hi", "note": "Met"}'
    )
    assert line.parts == (
        ReplyText(text="Hi"),
        NoteOutcome(text="Met"),
        PressDigits(digits="1w"),
        TransferCall(to="+15550001234"),
        EndCall(),
    )
    assert not line.more


def test_an_empty_object_ends_a_reply_in_silence() -> None:
    assert read_reply_line("{}").parts == ()
    assert read_reply_line('{"say": " ", "more": true}').more


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("Hello", "JSON object"),
        ('["Hello"]', "JSON object"),
        ('{"text": "Hello"}', "no key 'text'"),
        ('{"say": 5}', "'say' must be text"),
        ('{"press": "5 5"}', "'press'"),
        ('{"transferTo": "555"}', "'transferTo'"),
        ('{"end": "yes"}', "'end'"),
        ('{"more": 1}', "'more'"),
    ],
)
def test_what_is_no_reply_is_refused_with_what_is_wrong(written: str, complaint: str) -> None:
    with pytest.raises(ResponderError, match=complaint):
        read_reply_line(written)


@given(st.binary() | st.text())
def test_nothing_that_is_written_breaks_the_reader(written: str | bytes) -> None:
    try:
        read_reply_line(written)
    except ResponderError:
        return
