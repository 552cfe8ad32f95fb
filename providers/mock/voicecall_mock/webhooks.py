r"""How does the simulated network report, and how is it believed? Signed JSON, sans-IO.

The header is ``x-mock-signature: t=<unix seconds>,v1=<hex>``, where `v1` is the HMAC-SHA256 of
``t + "." + method + url + "\n" + body`` under the key that network and gateway share; several `v1`
may stand in one header while a key is changed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
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
    InstructionsWanted,
    MachineDetected,
    MachineResult,
    NothingHeard,
    RecordingReady,
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
    require_fresh,
    same,
    single_header,
)

SIGNATURE_HEADER = "x-mock-signature"
CALL_ID_QUERY = "callId"
CALL_SECRET_QUERY = "secret"


class Report(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """The body of a webhook: one thing that happened to one call.

    `delivery_id` names the delivery and stays the same when it is repeated; `event_id` names
    what happened. The other fields belong to single kinds.
    """

    delivery_id: str
    event_id: str
    kind: str
    call_id: str
    occurred_at: float
    wants_instructions: bool = False
    from_number: str | None = msgspec.field(name="from", default=None)
    to_number: str | None = msgspec.field(name="to", default=None)
    placed_elsewhere: bool = False
    attestation: str | None = None
    turn: str | None = None
    text: str | None = None
    digits: str | None = None
    complete: bool = True
    confidence: float | None = None
    result: str | None = None
    cause: str | None = None
    ended_by: str | None = None
    detail: str | None = None
    location: str | None = None


_decoder = msgspec.json.Decoder(Report)


def sign(*, key: str, at: int, method: str, url: str, body: bytes) -> str:
    """The value of the signature header for a request that is sent at `at`, unix seconds."""
    return f"t={at},v1={_digest(key, str(at), method, url, body)}"


def verify(request: WebhookRequest, *, key: str) -> VerifiedWebhook:
    """Check that the network sent `request`.

    Raises:
        SignatureInvalid: no signature, or none that is right for any URL of the request.
        WebhookStale: signed too long ago, or in the future.
    """
    signed_at, signatures = _read_header(single_header(request, SIGNATURE_HEADER))
    expected = [_digest(key, signed_at, request.method, url, request.body) for url in request.urls]
    matches = [same(given, right) for given in signatures for right in expected]
    if not any(matches):
        raise SignatureInvalid("the signature does not fit; compare mock.secret and publicUrl")
    require_fresh(float(signed_at), request.received_at)
    return VerifiedWebhook(request=request, replay_key=_replay_key(request.body))


def parse(webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
    """What a webhook says; a kind that we do not know is an `UnknownEvent`.

    Raises:
        WebhookMalformed: it is not a report, or a field of its kind is missing.
    """
    try:
        report = _decoder.decode(webhook.request.body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise WebhookMalformed(f"not a report of the simulated network: {error}") from error
    secret = webhook.request.query(CALL_SECRET_QUERY)
    call_id = webhook.request.query(CALL_ID_QUERY)
    common: dict[str, Any] = {
        "key": report.event_id,
        "carrier_call_id": CarrierCallId(report.call_id),
        "call_id": CallId(call_id) if call_id else None,
        "call_secret": secret or None,
        "occurred_at": report.occurred_at,
        "wants_instructions": report.wants_instructions,
    }
    try:
        return (_KINDS.get(report.kind, _unknown)(report, common),)
    except ValueError as error:
        raise WebhookMalformed(f"bad field in a {report.kind!r} report: {error}") from error


def _digest(key: str, at: str, method: str, url: str, body: bytes) -> str:
    signed = f"{at}.{method}{url}\n".encode("utf-8", "surrogatepass") + body
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def _read_header(value: str) -> tuple[str, list[str]]:
    pairs = [part.strip().partition("=") for part in value.split(",")]
    times = [text for name, _, text in pairs if name == "t"]
    signatures = [text for name, _, text in pairs if name == "v1"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()) or len(times[0]) > 12:
        raise SignatureInvalid(f"{SIGNATURE_HEADER!r} must carry one time, 't=<unix seconds>'")
    if not signatures:
        raise SignatureInvalid(f"{SIGNATURE_HEADER!r} carries no 'v1=<hex>'")
    return times[0], signatures


def _replay_key(body: bytes) -> str:
    try:
        return _decoder.decode(body).delivery_id
    except (msgspec.MsgspecError, UnicodeError):
        return hashlib.sha256(body).hexdigest()


def _need(value: str | None, name: str) -> str:
    if value is None:
        raise ValueError(f"{name!r} is missing")
    return value


def _turn(report: Report) -> TurnToken | None:
    return TurnToken(report.turn) if report.turn else None


def _unknown(report: Report, common: dict[str, Any]) -> CarrierEvent:
    return UnknownEvent(kind=report.kind, **common)


def _offered(report: Report, common: dict[str, Any]) -> CarrierEvent:
    return CallOffered(
        direction=Direction.OUTBOUND if report.placed_elsewhere else Direction.INBOUND,
        from_number=report.from_number,
        to_number=_need(report.to_number, "to"),
        placed_elsewhere=report.placed_elsewhere,
        attestation=report.attestation,
        **common,
    )


def _ended(report: Report, common: dict[str, Any]) -> CarrierEvent:
    return CallEnded(
        cause=EndCause(_need(report.cause, "cause")),
        ended_by=EndedBy(report.ended_by or "unknown"),
        detail=report.detail,
        **common,
    )


def _heard(report: Report, common: dict[str, Any]) -> CarrierEvent:
    return SpeechHeard(
        text=_need(report.text, "text"),
        turn=_turn(report),
        confidence=report.confidence,
        **common,
    )


def _stream(change: StreamChange) -> Callable[[Report, dict[str, Any]], CarrierEvent]:
    return lambda report, common: StreamChanged(change=change, detail=report.detail, **common)


_KINDS: dict[str, Callable[[Report, dict[str, Any]], CarrierEvent]] = {
    "call.offered": _offered,
    "call.ringing": lambda report, common: CallRinging(**common),
    "call.answered": lambda report, common: CallAnswered(**common),
    "call.ended": _ended,
    "speech.ended": lambda report, common: SpeechEnded(
        complete=report.complete, turn=_turn(report), **common
    ),
    "speech.heard": _heard,
    "gather.timeout": lambda report, common: NothingHeard(turn=_turn(report), **common),
    "digits": lambda report, common: DigitsPressed(
        digits=_need(report.digits, "digits"), turn=_turn(report), **common
    ),
    "instructions.wanted": lambda report, common: InstructionsWanted(**common),
    "machine.detected": lambda report, common: MachineDetected(
        result=MachineResult(_need(report.result, "result")), **common
    ),
    "stream.started": _stream(StreamChange.STARTED),
    "stream.stopped": _stream(StreamChange.STOPPED),
    "stream.failed": _stream(StreamChange.FAILED),
    "recording.ready": lambda report, common: RecordingReady(
        location=_need(report.location, "location"), **common
    ),
}
