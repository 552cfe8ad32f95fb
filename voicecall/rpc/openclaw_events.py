"""What are clients of the gateway WebSocket told of calls? Their records, and what is said."""

from __future__ import annotations

from voicecall.model.call import CallRecord
from voicecall.model.call_events import CallEvent, LineSaid, PartialHeard
from voicecall.rpc.wire import JsonObject, call_object, event_object

CALL = "voicecall.call"
TRANSCRIPT = "voicecall.transcript"


def said_event(event: CallEvent) -> tuple[str, JsonObject] | None:
    """Name and payload of the frame for what is said; None: `event` is something else.

    `callId`, `at`, `speaker` (``bot`` ``user``), `text`, `isFinal`, and `heard` for a line of
    ours that was cut short.
    """
    if not isinstance(event, LineSaid | PartialHeard):
        return None
    shown = event_object(event)
    said = {name: shown[name] for name in ("callId", "at", "text")}
    if isinstance(event, PartialHeard):
        return TRANSCRIPT, said | {"speaker": "user", "isFinal": False}
    more = {name: shown[name] for name in ("speaker", "heard") if name in shown}
    return TRANSCRIPT, said | more | {"isFinal": True}


def change_event(event: CallEvent, record: CallRecord | None) -> tuple[str, JsonObject]:
    """Name and payload of the frame for any other change.

    `callId`, `at`, `type` (what has happened, as in the event streams over HTTP), `number`, and
    the whole `call`.

    Args:
        event: what happened.
        record: its call as it is now; None: it is not known any more.
    """
    shown = event_object(event)
    change = {name: shown[name] for name in ("callId", "at", "type", "number")}
    return CALL, change if record is None else change | {"call": call_object(record)}
