"""Why did a call end, and who ended it? Plivo's words for it, and ours.

https://www.plivo.com/docs/voice/troubleshooting/hangup-causes-and-sources
"""

from __future__ import annotations

from collections.abc import Mapping

from voicecall.sdk import EndCause, EndedBy

BY_STATUS: Mapping[str, EndCause] = {
    "completed": EndCause.COMPLETED,
    "busy": EndCause.BUSY,
    "failed": EndCause.FAILED,
    "timeout": EndCause.TIMEOUT,
    "no-answer": EndCause.NO_ANSWER,
    "cancel": EndCause.CANCELED,
    "canceled": EndCause.CANCELED,
    "cancelled": EndCause.CANCELED,
    "rejected": EndCause.REJECTED,
    "machine": EndCause.VOICEMAIL,
}
_BY_CODE: Mapping[int, EndCause] = {
    1000: EndCause.CANCELED,
    3010: EndCause.BUSY,
    3020: EndCause.REJECTED,
    6010: EndCause.NO_ANSWER,
}
_BY_THOUSAND: Mapping[int, EndCause] = {
    1: EndCause.FAILED,
    2: EndCause.FAILED,
    3: EndCause.NO_ANSWER,
    4: EndCause.COMPLETED,
    5: EndCause.FAILED,
    6: EndCause.TIMEOUT,
    7: EndCause.FAILED,
    8: EndCause.FAILED,
    9: EndCause.VOICEMAIL,
}
_BY_SOURCE: Mapping[str, EndedBy] = {
    "caller": EndedBy.CALLER,
    "callee": EndedBy.CALLEE,
    "call recipient": EndedBy.CALLEE,
    "api request": EndedBy.API,
    "answer xml": EndedBy.API,
}


def end_cause(status: str | None, code: str | int | None) -> EndCause | None:
    """The cause by `CallStatus`, else by `HangupCauseCode`; None when neither says any."""
    if (status or "").lower() in BY_STATUS:
        return BY_STATUS[(status or "").lower()]
    try:
        number = int(code or 0)
    except ValueError:
        return None
    return _BY_CODE.get(number) or _BY_THOUSAND.get(number // 1000)


def ended_by(source: str | None) -> EndedBy:
    """Who hung up, by `HangupSource`."""
    return _BY_SOURCE.get((source or "").strip().lower(), EndedBy.UNKNOWN)


def told_cause(name: str | None, code: str | int | None) -> str | None:
    """Plivo's own cause for the record, for example ``Busy Line (3010)``."""
    if not name:
        return f"hang-up cause {code}" if code else None
    return f"{name} ({code})" if code else name
