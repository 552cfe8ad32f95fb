"""How does Telnyx say what happened to a call? Our events in its kinds and payloads."""

from __future__ import annotations

from collections.abc import Mapping

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CarrierEvent,
    DigitsPressed,
    Direction,
    EndCause,
    EndedBy,
    MachineDetected,
    MachineResult,
    NothingHeard,
    RecordingReady,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    UnknownEvent,
)
from voicecall_telnyx.client_state import ClientState

Phrase = tuple[str, dict[str, object]]

HANGUPS: Mapping[EndCause, tuple[str, str]] = {
    EndCause.COMPLETED: ("normal_clearing", "200"),
    EndCause.BUSY: ("user_busy", "486"),
    EndCause.NO_ANSWER: ("timeout", "487"),
    EndCause.CANCELED: ("originator_cancel", "487"),
    EndCause.FAILED: ("not_found", "404"),
    EndCause.REJECTED: ("call_rejected", "603"),
    EndCause.TIMEOUT: ("time_limit", "200"),
}
"""Cause and SIP code; Telnyx has no word for a voicemail that was left."""
_DETECTED = {
    MachineResult.HUMAN: ("detection", "human"),
    MachineResult.MACHINE: ("detection", "machine"),
    MachineResult.UNKNOWN: ("detection", "not_sure"),
    MachineResult.FAX: ("premium.detection", "fax_detected"),
    MachineResult.BEEP: ("greeting", "beep_detected"),
}


def phrased(event: CarrierEvent) -> Phrase | None:
    """Kind of the event, and what its payload has beside the call; None: no word for it."""
    match event:
        case CallOffered():
            return "call.initiated", _offer(event)
        case CallAnswered():
            return "call.answered", {"state": "answered"}
        case CallEnded(cause=cause) if cause in HANGUPS:
            return "call.hangup", hangup(cause, event.ended_by)
        case SpeechEnded(complete=complete):
            return "call.speak.ended", {"status": "completed" if complete else "cancelled"}
        case SpeechHeard():
            return "call.transcription", {"transcription_data": _transcript(event)}
        case DigitsPressed(digits=digits) if len(digits) == 1:
            return "call.dtmf.received", {"digit": digits}
        case DigitsPressed(digits=digits):
            return "call.gather.ended", {"digits": digits, "status": "valid"}
        case NothingHeard():
            return "call.gather.ended", {"digits": "", "status": "timeout"}
        case MachineDetected(result=result):
            part, word = _DETECTED[result]
            return f"call.machine.{part}.ended", {"result": word}
        case StreamChanged(change=change, detail=detail):
            return f"streaming.{change.value}", _failure(change, detail)
        case RecordingReady(location=location):
            return "call.recording.saved", {"recording_urls": {"wav": location}}
        case UnknownEvent(kind=kind):
            return kind, {}
    return None


def _failure(change: StreamChange, detail: str | None) -> dict[str, object]:
    if change is not StreamChange.FAILED:
        return {}
    return {"failure_reason": detail or "connection_failed", "stream_type": "websocket"}


def state_of(event: CarrierEvent) -> ClientState:
    """The leg's state when Telnyx reports `event`."""
    turn = getattr(event, "turn", None)
    said = isinstance(event, SpeechEnded)
    return ClientState(
        call=event.call_id,
        secret=event.call_secret,
        say=turn if said else None,
        listen=None if said else turn,
        up=True,
    )


def hangup(cause: EndCause, ended_by: EndedBy) -> dict[str, object]:
    """The end of a call."""
    word, sip = HANGUPS[cause]
    source = ended_by.value if ended_by in (EndedBy.CALLER, EndedBy.CALLEE) else "unknown"
    return {
        "state": "hangup",
        "hangup_cause": word,
        "hangup_source": source,
        "sip_hangup_cause": sip,
    }


def _offer(event: CallOffered) -> dict[str, object]:
    incoming = event.direction is Direction.INBOUND
    return {
        "direction": "incoming" if incoming else "outgoing",
        "state": "parked" if incoming else "bridging",
        "from": event.from_number or "anonymous",
        "to": event.to_number or "",
        "shaken_stir_attestation": event.attestation,
    }


def _transcript(event: SpeechHeard) -> dict[str, object]:
    return {
        "transcript": event.text,
        "is_final": event.is_final,
        "confidence": 0.9 if event.confidence is None else event.confidence,
    }
