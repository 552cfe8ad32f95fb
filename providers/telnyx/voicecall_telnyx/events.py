"""What does each kind of event mean for a call? One small function a kind.

Kinds and fields: developers.telnyx.com, *Voice API → Webhooks*.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CarrierCallId,
    CarrierEvent,
    DigitsPressed,
    Direction,
    MachineDetected,
    MachineResult,
    NothingHeard,
    RecordingReady,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    TurnToken,
    UnknownEvent,
    WebhookMalformed,
    normalise_number,
)
from voicecall_telnyx import endings
from voicecall_telnyx.client_state import TRANSFERRED
from voicecall_telnyx.webhooks import Report

NOBODY_LISTENS = TurnToken("nobody-listens")
"""The turn of words that were heard while no turn was open; it never is the one waited for."""

_DIRECTIONS = {
    "incoming": Direction.INBOUND,
    "inbound": Direction.INBOUND,
    "outgoing": Direction.OUTBOUND,
    "outbound": Direction.OUTBOUND,
}
_WHO_ANSWERED = {
    "human": MachineResult.HUMAN,
    "human_residence": MachineResult.HUMAN,
    "human_business": MachineResult.HUMAN,
    "machine": MachineResult.MACHINE,
    "fax_detected": MachineResult.FAX,
}
_GREETING_OVER = ("beep_detected", "ended", "no_beep_detected", "prompt_ended")


def event_of(report: Report) -> CarrierEvent:
    """What `report` says; a kind without use for us is an `UnknownEvent`.

    Raises:
        WebhookMalformed: it lacks what its kind requires.
    """
    if report.state is not None and report.state.leg == TRANSFERRED:
        return unused(replace(report, call_id=None, call_secret=None))
    return _KINDS.get(report.kind, unused)(report)


def unused(report: Report) -> CarrierEvent:
    """`report` as one that the kernel need not know more of."""
    carrier_call_id = report.carrier_call_id
    if carrier_call_id is not None:
        return report.event(UnknownEvent, kind=report.kind)
    return UnknownEvent(
        key=report.key,
        carrier_call_id=CarrierCallId(str(report.payload.get("call_leg_id") or "")),
        occurred_at=report.occurred_at,
        kind=report.kind,
    )


def _initiated(report: Report) -> CarrierEvent:
    direction = _DIRECTIONS.get(report.need("direction"))
    if direction is None:
        raise WebhookMalformed(f"{report.kind!r} with an unknown 'direction'")
    if direction is Direction.OUTBOUND and report.call_id is not None:
        return unused(report)
    attestation = report.payload.get("shaken_stir_attestation")
    return report.event(
        CallOffered,
        direction=direction,
        from_number=_party(report, "from"),
        to_number=_party(report, "to"),
        placed_elsewhere=direction is Direction.OUTBOUND,
        attestation=attestation if attestation in ("A", "B", "C") else None,
    )


def _party(report: Report, name: str) -> str | None:
    """A number in E.164, a SIP URI as it is, None when withheld."""
    text = report.payload.get(name)
    if not isinstance(text, str):
        return None
    return text if text.startswith(("sip:", "sips:")) else normalise_number(text)


def _ended(report: Report) -> CarrierEvent:
    return report.event(
        CallEnded,
        cause=endings.cause_of(report.payload, report.state),
        ended_by=endings.ended_by(report.payload),
        detail=endings.detail_of(report.payload),
    )


def _spoken(report: Report) -> CarrierEvent:
    turn = None if report.state is None else report.state.say
    return report.event(SpeechEnded, complete=_completed(report), turn=turn)


def _played(report: Report) -> CarrierEvent:
    return report.event(SpeechEnded, complete=_completed(report))


def _completed(report: Report) -> bool:
    return str(report.payload.get("status", "completed")) == "completed"


def _heard(report: Report) -> CarrierEvent:
    nested = report.payload.get("transcription_data")
    data = nested if isinstance(nested, dict) else report.payload
    text = data.get("transcript")
    if not isinstance(text, str):
        raise WebhookMalformed(f"{report.kind!r} without 'transcript'")
    if data.get("transcription_track") in ("outbound", "outbound_track"):
        return unused(report)
    return report.event(
        SpeechHeard,
        text=text,
        is_final=data.get("is_final") is not False,
        confidence=_share(data.get("confidence")),
        turn=_listening_turn(report),
    )


def _listening_turn(report: Report) -> TurnToken | None:
    if report.state is None:
        return None
    return report.state.listen or NOBODY_LISTENS


def _share(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None  # type: ignore[operator,arg-type]


def _key(report: Report) -> CarrierEvent:
    turn = None if report.state is None else report.state.listen
    return report.event(DigitsPressed, digits=report.need("digit"), turn=turn)


def _gathered(report: Report) -> CarrierEvent:
    turn = None if report.state is None else report.state.listen
    status, digits = report.payload.get("status"), report.payload.get("digits")
    if status in ("valid", "invalid") and isinstance(digits, str) and digits:
        return report.event(DigitsPressed, digits=digits, turn=turn)
    return report.event(NothingHeard, turn=turn) if status == "timeout" else unused(report)


def _who_answered(report: Report) -> CarrierEvent:
    result = _WHO_ANSWERED.get(_result(report), MachineResult.UNKNOWN)
    return report.event(MachineDetected, result=result)


def _greeting_over(report: Report) -> CarrierEvent:
    over = _result(report) in _GREETING_OVER
    return report.event(
        MachineDetected, result=MachineResult.BEEP if over else MachineResult.UNKNOWN
    )


def _result(report: Report) -> str:
    return str(report.payload.get("result"))


def _screened(report: Report) -> CarrierEvent:
    return report.event(MachineDetected, result=MachineResult.UNKNOWN)


def _recorded(report: Report) -> CarrierEvent:
    found = [report.payload.get(name) for name in ("recording_urls", "public_recording_urls")]
    urls = [each.get(form) for form in ("wav", "mp3") for each in found if isinstance(each, dict)]
    location = next((url for url in urls if url), None)
    if report.carrier_call_id is None or not isinstance(location, str):
        return unused(report)
    return report.event(RecordingReady, location=location)


def _stream(change: StreamChange) -> Callable[[Report], CarrierEvent]:
    def changed(report: Report) -> CarrierEvent:
        reason = report.payload.get("failure_reason")
        detail = reason if isinstance(reason, str) and reason else None
        return report.event(StreamChanged, change=change, detail=detail)

    return changed


_KINDS: dict[str, Callable[[Report], CarrierEvent]] = {
    "call.initiated": _initiated,
    "call.answered": lambda report: report.event(CallAnswered),
    "call.hangup": _ended,
    "call.speak.ended": _spoken,
    "call.playback.ended": _played,
    "call.transcription": _heard,
    "call.dtmf.received": _key,
    "call.gather.ended": _gathered,
    "call.machine.detection.ended": _who_answered,
    "call.machine.premium.detection.ended": _who_answered,
    "call.machine.greeting.ended": _greeting_over,
    "call.machine.premium.greeting.ended": _greeting_over,
    "call.machine.premium.call_screening.detected": _screened,
    "call.recording.saved": _recorded,
    "streaming.started": _stream(StreamChange.STARTED),
    "streaming.stopped": _stream(StreamChange.STOPPED),
    "streaming.failed": _stream(StreamChange.FAILED),
    "call.streaming.started": _stream(StreamChange.STARTED),
    "call.streaming.stopped": _stream(StreamChange.STOPPED),
    "call.streaming.failed": _stream(StreamChange.FAILED),
}
"""Older pages of Telnyx's write the stream's kinds with ``call.``."""
