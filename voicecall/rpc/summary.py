"""How did a call go? What whoever asked for it wants to know once it has ended."""

from __future__ import annotations

from voicecall.model.call import (
    SUCCESSFUL_ENDS,
    CallMode,
    CallRecord,
    CallState,
    Direction,
    TranscriptLine,
)
from voicecall.rpc.wire import JsonObject, call_object

_ENDED_BY = {
    CallState.HANGUP_USER: "user",
    CallState.HANGUP_BOT: "bot",
    CallState.VOICEMAIL: "bot",
    CallState.BUSY: "user",
    CallState.TIMEOUT: "gateway",
    CallState.ERROR: "gateway",
    CallState.FAILED: "carrier",
}


def summary_object(record: CallRecord) -> JsonObject:
    """`record` of an ended call in a few fields; what is not known is left out.

    ``outcome`` (the end reason), ``successful``, ``answered``, ``durationSeconds`` (from the
    answer to the end; 0: nobody answered), ``endedBy`` (``user`` ``bot`` ``gateway``
    ``carrier``), ``turns`` (how often the other side spoke), ``transcript`` (a line a speaker;
    of what was cut short only what was heard), ``note`` (what came of it, says the responder),
    ``detail`` and ``refused`` as in the call object.
    """
    summary: dict[str, object | None] = {
        "outcome": record.state.value,
        "successful": record.state in SUCCESSFUL_ENDS,
        "answered": record.answered_at is not None,
        "durationSeconds": talked_seconds(record),
        "endedBy": ended_by(record),
        "turns": sum(line.speaker.value == "user" for line in record.transcript),
        "transcript": "\n".join(_spoken(line) for line in record.transcript),
        "note": record.note,
        "detail": record.end_detail,
        "refused": record.refused,
    }
    return {name: value for name, value in summary.items() if value is not None}


def ended_object(record: CallRecord) -> JsonObject:
    """What the event stream of an ended call closes with: type ``call``, the call, its summary."""
    call = call_object(record)
    return {
        "type": "call",
        "callId": record.call_id,
        "number": 0,
        "at": call.get("endedAt"),
        "call": call,
        "summary": summary_object(record),
    }


def talked_seconds(record: CallRecord) -> float:
    """From the answer to the end, to a tenth of a second; 0 when nobody answered."""
    if record.answered_at is None or record.ended_at is None:
        return 0.0
    return round(max(0.0, record.ended_at - record.answered_at), 1)


def ended_by(record: CallRecord) -> str | None:
    """Who ended the call; None when the carrier did not say, or nobody took part."""
    inbound = record.direction is Direction.INBOUND
    if record.state is CallState.REJECTED:
        return "gateway" if inbound else "user"
    if record.state is CallState.COMPLETED and record.mode is CallMode.NOTIFY and not inbound:
        return "bot"
    return _ENDED_BY.get(record.state)


def _spoken(line: TranscriptLine) -> str:
    if line.heard is None:
        return f"{line.speaker.value}: {line.text}"
    return f"{line.speaker.value}: {line.heard} [cut off]"
