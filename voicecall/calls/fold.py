"""How events make a record: the record is nothing but the fold of its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from voicecall.model.call import CallRecord, CallState, Direction, TranscriptLine
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
    RecordingKept,
    StateChanged,
    TurnTimed,
)


def fold(events: Iterable[CallEvent]) -> CallRecord:
    """The record that `events`, in order and beginning with `CallCreated`, make.

    Raises:
        ValueError: the events do not begin with `CallCreated`.
    """
    record: CallRecord | None = None
    for event in events:
        record = create(event) if record is None else evolve(record, event)
    if record is None:
        raise ValueError("a call needs at least its CallCreated event")
    return record


def create(event: CallEvent) -> CallRecord:
    """The record of a call of which only `event` is known.

    Raises:
        ValueError: it is not `CallCreated`.
    """
    if not isinstance(event, CallCreated):
        raise ValueError(f"a call begins with CallCreated, not {type(event).__name__}")
    return CallRecord(
        call_id=event.call_id,
        provider=event.provider,
        direction=event.direction,
        state=CallState.INITIATED,
        mode=event.mode,
        from_number=event.from_number,
        to_number=event.to_number,
        started_at=event.at,
        message=event.message,
        session_key=event.session_key,
        dtmf_sequence=event.dtmf_sequence,
        idempotency_key=event.idempotency_key,
        secret=event.secret,
        dial_settled=event.direction is Direction.INBOUND or event.dial_settled,
        attestation=event.attestation,
        event_count=event.number,
        metadata=event.metadata,
    )


def evolve(record: CallRecord, event: CallEvent) -> CallRecord:
    """`record` after `event`; an event without meaning for the record only counts."""
    record = replace(record, event_count=max(record.event_count, event.number))
    match event:
        case CarrierIdLearned(carrier_call_id=new):
            others = tuple(known for known in record.carrier_ids if known != new)
            return replace(record, carrier_ids=(*others, new), dial_settled=True)
        case StateChanged():
            return _moved(record, event)
        case CallGreeted():
            return replace(record, greeted=True)
        case LineSaid(at=at, speaker=speaker, text=text, heard=heard):
            line = TranscriptLine(timestamp=at, speaker=speaker, text=text, heard=heard)
            return replace(record, transcript=(*record.transcript, line))
        case TurnTimed(timing=timing):
            earlier = (turn for turn in record.turns if turn.number != timing.number)
            return replace(record, turns=(*earlier, timing))
        case DigitsReceived(digits=digits):
            return replace(record, digits=record.digits + digits)
        case MachineHeard(result=result):
            return replace(record, answered_by=result)
        case RecordingKept(location=location):
            return replace(record, recording=location)
        case CallTransferred(to=to):
            return replace(record, transferred_to=to)
        case OutcomeNoted(text=text):
            return replace(record, note=text)
        case CallFinished():
            return _finished(record, event)
    return record


def _moved(record: CallRecord, event: StateChanged) -> CallRecord:
    ringing_at, answered_at = record.ringing_at, record.answered_at
    if event.state is CallState.RINGING:
        ringing_at = ringing_at or event.at
    elif event.state.is_answered:
        answered_at = answered_at or event.at
    return replace(
        record,
        state=event.state,
        ringing_at=ringing_at,
        answered_at=answered_at,
        answered_by=event.answered_by or record.answered_by,
    )


def _finished(record: CallRecord, event: CallFinished) -> CallRecord:
    if record.state.is_terminal:
        return record
    return replace(
        record,
        state=event.state,
        end_reason=event.state,
        ended_at=event.at,
        end_detail=event.detail,
        refused=event.refused,
        dial_settled=True,
    )
