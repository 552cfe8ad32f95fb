"""What does a callback of Plivo say? Form fields, or a query, as carrier events; sans-IO.

https://www.plivo.com/docs/voice/concepts/callbacks. What happened stands in ``Event``; a
``Redirect`` means what the hook says that we gave it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRenamed,
    CallRinging,
    CarrierCallId,
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
    TurnToken,
    UnknownEvent,
    VerifiedWebhook,
    WebhookMalformed,
    is_e164,
    read_form,
)
from voicecall_plivo import callbacks
from voicecall_plivo.causes import BY_STATUS, end_cause, ended_by, told_cause

EVENT_OF_HOOK: Mapping[str, str] = {
    callbacks.RING: "Ring",
    callbacks.HANGUP: "Hangup",
    callbacks.MACHINE: "MachineDetection",
}
"""What a callback without ``Event`` is about; at any other hook it is ``StartApp``."""

REDIRECTS = frozenset(
    {callbacks.HEARD, callbacks.SILENCE, callbacks.SPOKEN, callbacks.NEXT, callbacks.COMMAND}
)
"""Hooks at which Plivo waits for a document, whatever it calls that."""

STREAM_CHANGES: Mapping[str, StreamChange] = {
    "StartStream": StreamChange.STARTED,
    "StopStream": StreamChange.STOPPED,
    "DroppedStream": StreamChange.FAILED,
}
MACHINES: Mapping[str, MachineResult] = {
    "true": MachineResult.MACHINE,
    "false": MachineResult.HUMAN,
}
ATTESTATIONS: Mapping[str, str] = {"verified": "A", "a": "A", "b": "B", "c": "C"}
"""``STIRVerification``; what is not verified may be B or C, which Plivo does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A callback, read.

    `hook` and `turn` come from its URL; `fields` are Plivo's; `delivery` names this one request;
    `common` is what every event of it carries.
    """

    hook: str
    turn: TurnToken | None
    fields: Mapping[str, str]
    delivery: str
    common: Mapping[str, Any]

    @property
    def call(self) -> str:
        """Plivo's id of the call."""
        return self.fields["CallUUID"]

    @property
    def event(self) -> str:
        """What it is about."""
        told = self.fields.get("Event", "")
        if self.hook in REDIRECTS and told != "Hangup":
            return "Redirect"
        if told:
            return told
        if self.status in BY_STATUS:
            return "Hangup"
        return EVENT_OF_HOOK.get(self.hook, "StartApp")

    @property
    def status(self) -> str:
        """``CallStatus``."""
        return self.fields.get("CallStatus", "").lower()

    def said(self, *happening: str) -> dict[str, Any]:
        """The common values, with the key of what happened, for example of one turn."""
        return {**self.common, "key": ":".join((self.call, *happening))}

    def asked(self, *happening: str) -> dict[str, Any]:
        """The same for what wants a document."""
        return {**self.said(*happening), "wants_instructions": True}


def parse(webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
    """What `webhook` says; a kind without use for us is an `UnknownEvent`.

    Raises:
        WebhookMalformed: it names no call, or a field of its kind is missing.
    """
    callback = read(webhook)
    phrase = _EVENTS.get(callback.event)
    if phrase is not None:
        return (*_renamed(callback), *phrase(callback))
    if callback.event in STREAM_CHANGES:
        return (_stream_changed(callback),)
    return (UnknownEvent(kind=callback.event, **callback.said(callback.delivery)),)


def read(webhook: VerifiedWebhook) -> Callback:
    """The fields of `webhook`; a GET has them in its query.

    Raises:
        WebhookMalformed: it cannot be decoded, or names no call.
    """
    request = webhook.request
    texts = [request.query_string]
    try:
        if request.method == "POST":
            texts.append(request.body.decode())
        pairs = [pair for text in texts for pair in read_form(text)]
    except ValueError as error:
        raise WebhookMalformed("a callback that cannot be decoded") from error
    fields = dict(pairs)
    if not fields.get("CallUUID"):
        raise WebhookMalformed("a callback without 'CallUUID'")
    call_id, secret = callbacks.named_call(request)
    common = {
        "carrier_call_id": CarrierCallId(fields["CallUUID"]),
        "call_id": call_id,
        "call_secret": secret,
    }
    turn = request.query(callbacks.TURN_QUERY)
    return Callback(
        hook=request.hook,
        turn=TurnToken(turn) if turn else None,
        fields=fields,
        delivery=webhook.replay_key,
        common=common,
    )


def number(text: str | None) -> str | None:
    """A phone number as Plivo writes it, as E.164; a SIP URI as it is; None when withheld."""
    stripped = (text or "").strip()
    if stripped.lower().startswith(("sip:", "sips:")):
        return stripped
    e164 = f"+{stripped.removeprefix('+')}"
    return e164 if is_e164(e164) else None


def _renamed(callback: Callback) -> Sequence[CarrierEvent]:
    """A call that we ordered, and that goes on under another id than the order's."""
    fields = callback.fields
    ordered = fields.get("RequestUUID") or fields.get("ALegRequestUUID") or callback.call
    if callback.common["call_id"] is None or ordered == callback.call:
        return ()
    return (CallRenamed(previous_id=CarrierCallId(ordered), **callback.said("renamed", ordered)),)


def _started(callback: Callback) -> Sequence[CarrierEvent]:
    """The answer URL: a caller, a callee who answered, or somebody else's call."""
    fields = callback.fields
    if callback.common["call_id"] is not None:
        return (*_machine(callback), _answered(callback))
    outbound = fields.get("Direction", "").lower() == "outbound"
    if "To" not in fields:
        raise WebhookMalformed("a 'StartApp' callback without 'To'")
    offered = CallOffered(
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        from_number=number(fields.get("From")),
        to_number=number(fields["To"]),
        placed_elsewhere=outbound,
        attestation=ATTESTATIONS.get(fields.get("STIRVerification", "").lower()),
        **callback.asked("StartApp"),
    )
    return (offered, *_machine(callback), _answered(callback)) if outbound else (offered,)


def _answered(callback: Callback) -> CarrierEvent:
    machine = MACHINES.get(callback.fields.get("Machine", "").lower())
    return CallAnswered(answered_by=machine, **callback.asked("answered"))


def _machine(callback: Callback) -> Sequence[CarrierEvent]:
    """What synchronous detection found, if it was asked for."""
    result = MACHINES.get(callback.fields.get("Machine", "").lower())
    return (MachineDetected(result=result, **callback.said("machine")),) if result else ()


def _machine_detected(callback: Callback) -> Sequence[CarrierEvent]:
    told = callback.fields.get("Machine")
    if told is None:
        raise WebhookMalformed("a 'MachineDetection' callback without 'Machine'")
    result = MACHINES.get(told.lower(), MachineResult.UNKNOWN)
    return (MachineDetected(result=result, **callback.said("machine")),)


def _ringing(callback: Callback) -> Sequence[CarrierEvent]:
    return (CallRinging(**callback.said("ringing")),)


def _ended(callback: Callback) -> Sequence[CarrierEvent]:
    fields = callback.fields
    code = fields.get("HangupCauseCode")
    name = fields.get("HangupCauseName") or fields.get("HangupCause")
    return (
        CallEnded(
            cause=end_cause(callback.status, code) or EndCause.FAILED,
            ended_by=ended_by(fields.get("HangupSource")),
            detail=told_cause(name, code),
            **callback.said("ended"),
        ),
    )


def _redirected(callback: Callback) -> Sequence[CarrierEvent]:
    """A document ran out, or listening ended; the hook says which."""
    turn = callback.turn
    happening = (callback.hook, turn or callback.delivery)
    match callback.hook:
        case callbacks.HEARD:
            return (_heard(callback),)
        case callbacks.SILENCE:
            return (NothingHeard(turn=turn, **callback.asked(*happening)),)
        case callbacks.SPOKEN:
            return (SpeechEnded(turn=turn, **callback.asked(*happening)),)
    return (InstructionsWanted(**callback.asked("wanted", callback.delivery)),)


def _heard(callback: Callback) -> CarrierEvent:
    fields, turn = callback.fields, callback.turn
    common = callback.asked(callback.hook, turn or callback.delivery)
    speech, digits = fields.get("Speech", ""), fields.get("Digits", "")
    if digits and (not speech or fields.get("InputType") == "dtmf"):
        return DigitsPressed(digits=digits, turn=turn, **common)
    if not speech:
        return NothingHeard(turn=turn, **common)
    confidence = _confidence(fields.get("SpeechConfidenceScore"))
    return SpeechHeard(text=speech, turn=turn, confidence=confidence, **common)


def _confidence(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _stream_changed(callback: Callback) -> CarrierEvent:
    event, stream = callback.event, callback.fields.get("StreamID", callback.delivery)
    return StreamChanged(change=STREAM_CHANGES[event], detail=event, **callback.said(event, stream))


_EVENTS: Mapping[str, Callable[[Callback], Sequence[CarrierEvent]]] = {
    "StartApp": _started,
    "Ring": _ringing,
    "Hangup": _ended,
    "MachineDetection": _machine_detected,
    "Redirect": _redirected,
}
