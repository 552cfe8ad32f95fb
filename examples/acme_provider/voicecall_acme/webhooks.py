"""Is a webhook Acme's, and what does it report? Pure: no clock, no network.

https://docs.acme.example/webhooks
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import msgspec

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallId,
    CallOffered,
    CallRinging,
    CarrierCallId,
    CarrierEvent,
    DigitsPressed,
    Direction,
    EndCause,
    EndedBy,
    NothingHeard,
    SignatureInvalid,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    TurnToken,
    UnknownEvent,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
    is_e164,
    require_fresh,
    same,
    single_header,
)

SIGNATURE_HEADER = "x-acme-signature"
CALL, SECRET = "call", "secret"
"""Query parameters of our callback URLs."""

CAUSES: Mapping[str, EndCause] = {
    "done": EndCause.COMPLETED,
    "busy": EndCause.BUSY,
    "no-answer": EndCause.NO_ANSWER,
    "cancelled": EndCause.CANCELED,
    "refused": EndCause.REJECTED,
    "too-long": EndCause.TIMEOUT,
}
"""Acme's reason → ours; `error`, and a reason that is new to us, are `FAILED`."""

BY: Mapping[str, EndedBy] = {"caller": EndedBy.CALLER, "callee": EndedBy.CALLEE, "us": EndedBy.API}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a webhook; unknown fields are passed over, for Acme may add some."""

    id: str
    call: str
    kind: str
    caller: str | None = msgspec.field(default=None, name="from")
    callee: str | None = msgspec.field(default=None, name="to")
    turn: str | None = None
    complete: bool = True
    text: str | None = None
    confidence: float | None = None
    keys: str | None = None
    state: StreamChange | None = None
    why: str | None = None
    by: str | None = None


def verify(request: WebhookRequest, key: str) -> VerifiedWebhook:
    """Check ``x-acme-signature: TIME:HMAC-SHA256(key, TIME + URL + body)``.

    Raises:
        SignatureInvalid: there is none, or it is not Acme's.
        WebhookStale: Acme signed it too long ago.
    """
    signed_at, _, given = single_header(request, SIGNATURE_HEADER).partition(":")
    wanted = (_signature(key, signed_at, url, request.body) for url in request.urls)
    if not (signed_at.isdecimal() and any(same(given, each) for each in wanted)):
        raise SignatureInvalid(
            "the signature does not fit; compare acme.signingKey and the public URL"
        )
    require_fresh(float(signed_at), request.received_at)
    # Acme signs a repeated delivery anew, so the signature itself would tell them apart.
    return VerifiedWebhook(request=request, replay_key=hashlib.sha256(request.body).hexdigest())


def _signature(key: str, signed_at: str, url: str, body: bytes) -> str:
    signed = f"{signed_at}{url}".encode("utf-8", "surrogatepass") + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def parse(webhook: VerifiedWebhook) -> list[CarrierEvent]:
    """What Acme reports: one event a webhook.

    Raises:
        WebhookMalformed: it is no report, or lacks what its kind requires.
    """
    request = webhook.request
    try:
        report = msgspec.json.decode(request.body, type=Report)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise WebhookMalformed(f"not a report of Acme's: {error}") from error
    call_id, secret = request.query(CALL), request.query(SECRET)
    return [
        _event(
            report,
            key=report.id,
            carrier_call_id=CarrierCallId(report.call),
            call_id=CallId(call_id) if call_id else None,
            call_secret=secret or None,
        )
    ]


def _event(report: Report, **facts: Any) -> CarrierEvent:
    turn = TurnToken(report.turn) if report.turn else None
    match report:
        case Report(kind="incoming"):
            return CallOffered(
                **facts,
                direction=Direction.INBOUND,
                from_number=_number(report.caller),
                to_number=_number(report.callee),
            )
        case Report(kind="ringing"):
            return CallRinging(**facts)
        case Report(kind="answered"):
            return CallAnswered(**facts)
        case Report(kind="spoken"):
            return SpeechEnded(**facts, complete=report.complete, turn=turn)
        case Report(kind="heard", text=str(text)):
            return SpeechHeard(**facts, text=text, turn=turn, confidence=report.confidence)
        case Report(kind="pressed", keys=str(keys)):
            return DigitsPressed(**facts, digits=keys, turn=turn)
        case Report(kind="silence"):
            return NothingHeard(**facts, turn=turn)
        case Report(kind="stream", state=StreamChange() as change):
            return StreamChanged(**facts, change=change)
        case Report(kind="ended", why=str(why)):
            return CallEnded(**facts, cause=cause(why), ended_by=ended_by(report.by), detail=why)
        case Report(kind="heard" | "pressed" | "stream" | "ended"):
            raise WebhookMalformed(f"a report of kind {report.kind!r} lacks what it is about")
    return UnknownEvent(**facts, kind=report.kind)


def cause(why: str | None) -> EndCause:
    """Our word for Acme's reason."""
    return CAUSES.get(why or "", EndCause.FAILED)


def ended_by(who: str | None) -> EndedBy:
    """Our word for the side that Acme says hung up."""
    return BY.get(who or "", EndedBy.UNKNOWN)


def _number(given: str | None) -> str | None:
    """A number in E.164; None for `anonymous` and whatever else a caller's network sends."""
    return given if given and is_e164(given) else None
