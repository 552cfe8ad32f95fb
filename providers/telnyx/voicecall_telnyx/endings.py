"""Why did a call end? Telnyx's `hangup_cause`, `hangup_source` and `sip_hangup_cause` in ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voicecall.sdk import EndCause, EndedBy
from voicecall_telnyx.client_state import ClientState

_CAUSES = {
    "originator_cancel": EndCause.CANCELED,
    "timeout": EndCause.NO_ANSWER,
    "no_answer": EndCause.NO_ANSWER,
    "time_limit": EndCause.TIMEOUT,
    "user_busy": EndCause.BUSY,
    "call_rejected": EndCause.REJECTED,
}
_SOURCES = {"caller": EndedBy.CALLER, "callee": EndedBy.CALLEE}


def cause_of(payload: Mapping[str, Any], state: ClientState | None) -> EndCause:
    """The cause of an end, from the payload of ``call.hangup`` alone, whatever came before it."""
    cause = payload.get("hangup_cause")
    if cause != "normal_clearing":
        return _CAUSES.get(str(cause), EndCause.FAILED)
    if was_answered(payload, state):
        return EndCause.COMPLETED
    by_caller = payload.get("hangup_source") == "caller"
    return EndCause.CANCELED if by_caller else EndCause.REJECTED


def ended_by(payload: Mapping[str, Any]) -> EndedBy:
    """Who ended the call."""
    return _SOURCES.get(str(payload.get("hangup_source")), EndedBy.UNKNOWN)


def detail_of(payload: Mapping[str, Any]) -> str:
    """Telnyx's own words, for the record."""
    sip = str(payload.get("sip_hangup_cause") or "")
    cause = str(payload.get("hangup_cause") or "no cause told")
    return f"{cause} (SIP {sip})" if sip.isdigit() else cause


def was_answered(payload: Mapping[str, Any], state: ClientState | None) -> bool:
    """Whether a call that was cleared normally had been answered.

    Every command that we give on an answered call says so in the leg's state. Where there was
    none, the SIP code tells; without either a leg of ours was never answered.
    """
    if state is not None and state.up:
        return True
    sip = str(payload.get("sip_hangup_cause") or "")
    if sip.isascii() and sip.isdigit() and len(sip) == 3:
        return sip == "200"
    return state is None
