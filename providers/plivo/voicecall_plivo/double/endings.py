"""How does Plivo word the end of a call?

https://www.plivo.com/docs/voice/troubleshooting/hangup-causes-and-sources
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voicecall.sdk import EndCause, EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """``CallStatus``, and the three ways in which Plivo tells the cause."""

    status: str
    cause: str
    code: int
    name: str


def _ending(status: str, cause: str, code: int, name: str) -> Ending:
    return Ending(status=status, cause=cause, code=code, name=name)


ENDS: Mapping[EndCause, Ending] = {
    EndCause.COMPLETED: _ending("completed", "NORMAL_CLEARING", 4000, "Normal Hangup"),
    EndCause.BUSY: _ending("busy", "USER_BUSY", 3010, "Busy Line"),
    EndCause.NO_ANSWER: _ending("no-answer", "NO_ANSWER", 3000, "No Answer"),
    EndCause.CANCELED: _ending("cancel", "ORIGINATOR_CANCEL", 1000, "Cancelled"),
    EndCause.FAILED: _ending("failed", "UNALLOCATED_NUMBER", 2000, "Invalid Destination Address"),
    EndCause.REJECTED: _ending("rejected", "CALL_REJECTED", 3020, "Rejected"),
    EndCause.TIMEOUT: _ending("timeout", "ALLOTTED_TIMEOUT", 6020, "Scheduled Hangup"),
}
END_OF_XML = _ending("completed", "NORMAL_CLEARING", 4010, "End Of XML Instructions")
MACHINE = _ending("completed", "NORMAL_CLEARING", 9100, "Machine Detected")
"""With ``machine_detection=hangup``."""

SOURCES: Mapping[EndedBy, str] = {
    EndedBy.CALLER: "Caller",
    EndedBy.CALLEE: "Callee",
    EndedBy.API: "API Request",
    EndedBy.UNKNOWN: "Plivo",
}
BY_DOCUMENT = "Answer XML"
BY_FAULT = "Error"

ANSWER, ACTION, TRANSFER, REDIRECT = "Answer", "Action", "Transfer", "Redirect"
_PLACES = (ANSWER, ACTION, TRANSFER, REDIRECT)


def unreachable(place: str) -> Ending:
    """No document came from the URL of a `place`."""
    code = 7011 + _PLACES.index(place)
    return _ending("failed", "NORMAL_TEMPORARY_FAILURE", code, f"Error Reaching {place} URL")


def unreadable(place: str) -> Ending:
    """The document from the URL of a `place` is none."""
    code = 8011 + _PLACES.index(place)
    return _ending("failed", "NORMAL_TEMPORARY_FAILURE", code, f"Invalid {place} XML")
