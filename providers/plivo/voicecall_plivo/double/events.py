"""How does Plivo report what happened? The hook that it calls and the fields that it sends.

https://www.plivo.com/docs/voice/concepts/callbacks
"""

from __future__ import annotations

import math

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRinging,
    CarrierEvent,
    DigitsPressed,
    Direction,
    InstructionsWanted,
    MachineDetected,
    MachineResult,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    UnknownEvent,
)
from voicecall_plivo import callbacks
from voicecall_plivo.double.endings import ENDS, Ending

Report = tuple[str, dict[str, str]]
"""A hook and the fields that are sent to it."""

MACHINES = {MachineResult.MACHINE: "true", MachineResult.HUMAN: "false"}
STREAMS = {
    StreamChange.STARTED: "StartStream",
    StreamChange.STOPPED: "StopStream",
    StreamChange.FAILED: "DroppedStream",
}


def common_fields(
    call: str, *, caller: str | None, called: str, direction: Direction, request: str | None = None
) -> dict[str, str]:
    """What stands in every callback. Numbers are digits; a withheld one is ``anonymous``.

    Args:
        request: the id of the order, where it is not the call's.
    """
    ordered = {"RequestUUID": request or call} if direction is Direction.OUTBOUND else {}
    return {
        "CallUUID": call,
        "From": (caller or "anonymous").removeprefix("+"),
        "To": called.removeprefix("+"),
        "CallStatus": "in-progress",
        "Direction": direction.value,
        "ALegUUID": call,
        "ALegRequestUUID": request or call,
        "BillRate": "0.0085",
        **ordered,
    }


def report(event: CarrierEvent) -> Report | None:
    """The hook and the fields of `event`; None when Plivo has no word for it."""
    match event:
        case CallOffered():
            status = "ringing" if event.direction is Direction.INBOUND else "in-progress"
            return "", {"Event": "StartApp", "CallStatus": status}
        case CallAnswered():
            return callbacks.ANSWER, {"Event": "StartApp"}
        case CallRinging():
            return callbacks.RING, {"Event": "Ring", "CallStatus": "ringing"}
        case CallEnded(cause=cause) if cause in ENDS:
            return callbacks.HANGUP, hung_up(ENDS[cause], "Unknown")
        case MachineDetected(result=result) if result in MACHINES:
            fields = {"Event": "MachineDetection", "Machine": MACHINES[result]}
            return callbacks.MACHINE, fields
        case StreamChanged(change=change):
            fields = {"Event": STREAMS[change], "StreamID": "20170ada-f610-433b-8758-c02a2aab3662"}
            return callbacks.STREAM, fields
        case UnknownEvent(kind=kind):
            return "", {"Event": kind}
        case _:
            return _redirect(event)


def _redirect(event: CarrierEvent) -> Report | None:
    match event:
        case InstructionsWanted():
            return callbacks.NEXT, {"Event": "Redirect"}
        case SpeechEnded(complete=True):
            return callbacks.SPOKEN, {"Event": "Redirect"}
        case NothingHeard():
            return callbacks.SILENCE, {"Event": "Redirect"}
        case SpeechHeard(text=text, is_final=True):
            heard = {"InputType": "speech", "Speech": text, "SpeechConfidenceScore": "0.92"}
            return callbacks.HEARD, {"Event": "Redirect", **heard, "Digits": ""}
        case DigitsPressed(digits=digits):
            return callbacks.HEARD, {"Event": "Redirect", "InputType": "dtmf", "Digits": digits}
    return None


def hung_up(ending: Ending, source: str, *, seconds: float = 12.0) -> dict[str, str]:
    """The fields about the end of a call that `source` ended."""
    return {
        "Event": "Hangup",
        "CallStatus": ending.status,
        "HangupCause": ending.cause,
        "HangupCauseCode": str(ending.code),
        "HangupCauseName": ending.name,
        "HangupSource": source,
        "Duration": str(round(seconds)),
        "BillDuration": str(60 * math.ceil(seconds / 60)),
    }
