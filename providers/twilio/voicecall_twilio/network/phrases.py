"""In which words does Twilio report? The hook, the query and the fields of every webhook.

https://www.twilio.com/docs/voice/twiml#request-parameters
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRinging,
    CarrierEvent,
    DigitsPressed,
    Direction,
    EndCause,
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

ACCOUNT = "AC" + "0123456789abcdef" * 2
STREAM = "MZ" + "fedcba9876543210" * 2
WITHHELD = "+266696687"
OUR_NUMBER = "+15550001111"
SOMEBODY = "+15550002222"
_ENDS: Mapping[EndCause, Mapping[str, str]] = {
    EndCause.COMPLETED: {"CallStatus": "completed", "CallDuration": "12", "Duration": "1"},
    EndCause.BUSY: {"CallStatus": "busy", "SipResponseCode": "486"},
    EndCause.NO_ANSWER: {"CallStatus": "no-answer", "SipResponseCode": "487"},
    EndCause.CANCELED: {"CallStatus": "canceled"},
    EndCause.FAILED: {"CallStatus": "failed", "SipResponseCode": "404"},
    EndCause.REJECTED: {"CallStatus": "busy", "SipResponseCode": "603"},
    EndCause.VOICEMAIL: {"CallStatus": "completed", "AnsweredBy": "machine_end_beep"},
}
_ANSWERED_BY: Mapping[MachineResult, str] = {
    MachineResult.HUMAN: "human",
    MachineResult.MACHINE: "machine_start",
    MachineResult.BEEP: "machine_end_beep",
    MachineResult.FAX: "fax",
    MachineResult.UNKNOWN: "unknown",
}
_STREAMS: Mapping[StreamChange, str] = {
    StreamChange.STARTED: "stream-started",
    StreamChange.STOPPED: "stream-stopped",
    StreamChange.FAILED: "stream-error",
}

Phrase = tuple[str, dict[str, str], dict[str, str]]


def phrase(event: CarrierEvent, at: float) -> Phrase | None:
    """The hook, the query that tells documents apart, and the fields, of a webhook."""
    step = {"step": event.key}
    match event:
        case CallOffered(direction=Direction.INBOUND):
            return "", {}, _offer(event)
        case CallOffered():
            return "voice", {}, _offer(event)
        case CallAnswered():
            return "voice", step, progress("in-progress")
        case CallRinging():
            return "status", {}, _status(event, at, {"CallStatus": "ringing"})
        case CallEnded(cause=cause) if cause in _ENDS:
            return "status", {}, _status(event, at, _ENDS[cause])
        case UnknownEvent():
            return "status", {}, _status(event, at, {"CallStatus": "initiated"})
        case SpeechHeard(is_final=True):
            heard = {"SpeechResult": event.text, "Confidence": "0.94"}
            return "gather", _turn(event, step), progress("in-progress") | heard
        case DigitsPressed(digits=digits):
            return "gather", _turn(event, step), progress("in-progress") | {"Digits": digits}
        case NothingHeard():
            return "nothing", _turn(event, step), progress("in-progress")
        case SpeechEnded(complete=True):
            return "spoken", _turn(event, step), progress("in-progress")
        case InstructionsWanted():
            return "next", step, progress("in-progress")
        case MachineDetected(result=result):
            answered_by = {"AnsweredBy": _ANSWERED_BY[result], "MachineDetectionDuration": "3200"}
            return "amd", {}, answered_by
        case StreamChanged(change=change):
            told = {"StreamSid": STREAM, "StreamName": STREAM, "StreamEvent": _STREAMS[change]}
            return "stream", step, told | {"Timestamp": "2026-11-22T17:28:31.000Z"}
    return None


def _offer(event: CallOffered) -> dict[str, str]:
    inbound = event.direction is Direction.INBOUND
    caller, callee = event.from_number or WITHHELD, event.to_number or OUR_NUMBER
    return {
        "From": caller,
        "To": callee,
        "Caller": caller,
        "Called": callee,
        "CallStatus": "ringing" if inbound else "in-progress",
        "Direction": "inbound" if inbound else "outbound-api",
        "StirVerstat": f"TN-Validation-Passed-{event.attestation}" if event.attestation else "",
    }


def progress(status: str) -> dict[str, str]:
    return {
        "From": OUR_NUMBER,
        "To": SOMEBODY,
        "Caller": OUR_NUMBER,
        "Called": SOMEBODY,
        "CallStatus": status,
        "Direction": "outbound-api",
    }


def _status(event: CarrierEvent, at: float, told: Mapping[str, str]) -> dict[str, str]:
    number = uuid5(NAMESPACE_URL, event.key).int % 1000
    return {
        **progress("in-progress"),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(number),
        "Timestamp": formatdate(at, localtime=False).replace("-0000", "+0000"),
        **told,
    }


def _turn(event: Any, query: dict[str, str]) -> dict[str, str]:
    return query if event.turn is None else {**query, "turn": event.turn}
