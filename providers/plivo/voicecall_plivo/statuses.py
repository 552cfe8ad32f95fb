"""What does Plivo know about a call? Live, queued, or its record of an ended one.

https://www.plivo.com/docs/voice/api/call#retrieve-a-call
"""

from __future__ import annotations

from typing import Any

from voicecall.sdk import (
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    EndCause,
    Ended,
    Live,
)
from voicecall_plivo.causes import end_cause, ended_by, told_cause
from voicecall_plivo.rest import PlivoApi

UP = "in-progress"
PURPOSE = "tell a call's state"


async def status_of(api: PlivoApi, call: CarrierCallId, *, answered: bool) -> CarrierCallStatus:
    """Ask in the order in which a call moves on, so that none is missed between two questions.

    Args:
        api: the account.
        call: the call's id, or its order's.
        answered: whether we know that it was answered; then it has no place in the queue.

    Raises:
        CarrierError: Plivo could not be asked.
    """
    states = ("live",) if answered else ("queued", "live")
    for state in states:
        found = await _ask(api, call, {"status": state})
        if found is not None:
            told = found.get("call_status")
            return Live(answered=answered if told is None else told == UP)
    record = await _ask(api, call, {})
    if record is not None:
        return _ended(record)
    cause = EndCause.COMPLETED if answered else EndCause.FAILED
    return Ended(cause=cause, detail="Plivo does not know the call any more")


async def _ask(api: PlivoApi, call: CarrierCallId, query: dict[str, str]) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await api.ask("GET", "Call", call, query=query, to=PURPOSE)
    except CarrierCallGone:
        return None
    return found


def _ended(record: dict[str, Any]) -> Ended:
    code = record.get("hangup_cause_code")
    state = record.get("call_status") or record.get("call_state")
    name = record.get("hangup_cause_name")
    return Ended(
        cause=end_cause(state, code) or EndCause.COMPLETED,
        ended_by=ended_by(record.get("hangup_source")),
        detail=told_cause(name, code),
    )
