"""What do Twilio's words for the end of a call, and for who answered it, mean?"""

from __future__ import annotations

from voicecall.sdk import EndCause, MachineResult

ENDED = {
    "completed": EndCause.COMPLETED,
    "busy": EndCause.BUSY,
    "no-answer": EndCause.NO_ANSWER,
    "canceled": EndCause.CANCELED,
    "failed": EndCause.FAILED,
}
"""Status of a call that is over → why."""

_DECLINED = ("603", "607", "608")
"""SIP: Decline, Unwanted, Rejected."""


def ended_cause(status: str, *, sip: str = "", answered_by: str = "") -> EndCause:
    """Why a call with the final `status` ended.

    Args:
        status: a key of `ENDED`.
        sip: the last SIP response, if told; a refusal looks like `busy` or `failed` without it.
        answered_by: what machine detection said, if told.
    """
    if status == "completed":
        return EndCause.VOICEMAIL if answered_by.startswith("machine") else EndCause.COMPLETED
    return EndCause.REJECTED if sip in _DECLINED else ENDED[status]


def machine_result(answered_by: str) -> MachineResult:
    """What `AnsweredBy` means: the ``machine_end_…`` ones say that a message may be left now."""
    if answered_by.startswith("machine_end"):
        return MachineResult.BEEP
    if answered_by.startswith("machine"):
        return MachineResult.MACHINE
    known = (MachineResult.HUMAN, MachineResult.FAX)
    return next((each for each in known if each == answered_by), MachineResult.UNKNOWN)
