"""Do the events in a file make up the calls that a gateway would show?"""

from __future__ import annotations

import json
from typing import Any

from voicecall.calls.fold import fold
from voicecall.cli.export import Export
from voicecall.model.call import CallMode, CallState, Direction, Speaker, TurnTiming
from voicecall.model.call_events import (
    CallCreated,
    CallEvent,
    CallFinished,
    CallGreeted,
    CallTransferred,
    CarrierIdLearned,
    DigitsReceived,
    LineSaid,
    MachineHeard,
    OutcomeNoted,
    PartialHeard,
    RecordingKept,
    StateChanged,
    TurnTimed,
)
from voicecall.model.ids import CarrierCallId, new_call_id
from voicecall.rpc.wire import call_object, event_object

CALL = new_call_id()


def happened(number: int, kind: type[CallEvent], **fields: Any) -> CallEvent:
    return kind(call_id=CALL, number=number, at=1_700_000_000.0 + number, **fields)


def turn(number: int, seconds: float) -> TurnTiming:
    return TurnTiming(
        number=number, speech_ended_at=1.0, transcript_at=1.2, first_audio_at=1.0 + seconds
    )


EVENTS = (
    happened(
        1,
        CallCreated,
        provider="mock",
        direction=Direction.OUTBOUND,
        mode=CallMode.CONVERSATION,
        from_number="+15550001111",
        to_number="+15550002222",
        message="Hello",
        secret="x",
    ),
    happened(2, CarrierIdLearned, carrier_call_id=CarrierCallId("MC1")),
    happened(3, StateChanged, state=CallState.RINGING),
    happened(4, StateChanged, state=CallState.ANSWERED),
    happened(5, StateChanged, state=CallState.ACTIVE, answered_by="unknown"),
    happened(6, CallGreeted),
    happened(7, MachineHeard, result="human"),
    happened(8, LineSaid, speaker=Speaker.BOT, text="Hello, you there", heard="Hello"),
    happened(0, PartialHeard, text="I am"),
    happened(9, LineSaid, speaker=Speaker.USER, text="I am here"),
    happened(10, TurnTimed, timing=turn(1, 0.5)),
    happened(11, TurnTimed, timing=turn(1, 0.6)),
    happened(12, DigitsReceived, digits="1"),
    happened(13, DigitsReceived, digits="2"),
    happened(14, CallTransferred, to="+15550003333"),
    happened(15, RecordingKept, location="/calls/1.wav"),
    happened(16, OutcomeNoted, text="Bob wants two."),
    happened(17, CallFinished, state=CallState.FAILED, detail="no more", refused="policy.x"),
)


def test_events_of_a_file_make_up_the_call_that_a_gateway_shows() -> None:
    export = Export()
    for end, event in enumerate(EVENTS, start=1):
        call = export.take(json.dumps(event_object(event)))
        if event.number:
            assert call == call_object(fold(EVENTS[:end])), event


def test_an_event_that_stands_in_a_file_twice_counts_once() -> None:
    export = Export()
    lines = [json.dumps(event_object(event)) for event in EVENTS]
    for line in lines:
        export.take(line)
    assert [export.take(line) for line in lines[1:]] == [None] * (len(lines) - 1)


def test_a_call_whose_beginning_is_in_another_file_is_left_out() -> None:
    export = Export()
    assert [export.take(json.dumps(event_object(event))) for event in EVENTS[1:]] == [None] * 17


def test_a_line_of_no_call_changes_none() -> None:
    line = {"type": "public-url", "former": "https://a.example", "current": "b", "at": 1}
    assert Export().take(json.dumps(line)) is None
