"""How does Telnyx report, and how is it believed? Signed JSON, sans-IO.

``Telnyx-Signature-Ed25519`` is base64 of the Ed25519 signature over
``<Telnyx-Timestamp>|<raw body>``; neither URL nor headers are signed
(developers.telnyx.com, *Webhook fundamentals*).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voicecall.sdk import (
    CallId,
    CarrierCallId,
    CarrierEvent,
    SignatureInvalid,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
    require_fresh,
    single_header,
)
from voicecall_telnyx.client_state import ClientState, read_state
from voicecall_telnyx.keys import SIGNATURE_BYTES, signed_by
from voicecall_telnyx.public_key import strict_base64

SIGNATURE_HEADER = "telnyx-signature-ed25519"
TIMESTAMP_HEADER = "telnyx-timestamp"
CALL_ID_QUERY = "call"
CALL_SECRET_QUERY = "secret"
_LONGEST_STAMP = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One event as Telnyx tells it: `key` is ``data.id``, `payload` is ``data.payload``."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    occurred_at: float | None
    state: ClientState | None
    call_id: CallId | None
    call_secret: str | None

    @property
    def carrier_call_id(self) -> CarrierCallId | None:
        """``call_control_id``; a few kinds do not carry it."""
        found = self.payload.get("call_control_id")
        return CarrierCallId(found) if isinstance(found, str) and found else None

    def need(self, name: str) -> str:
        """A field that the kind always has.

        Raises:
            WebhookMalformed: it is missing, or no text.
        """
        found = self.payload.get(name)
        if not isinstance(found, str) or not found:
            raise WebhookMalformed(f"{self.kind!r} without {name!r}")
        return found

    def event(self, kind: type[CarrierEvent], /, **fields: Any) -> CarrierEvent:
        """An event about the report's call."""
        return kind(
            key=self.key,
            carrier_call_id=CarrierCallId(self.need("call_control_id")),
            call_id=self.call_id,
            call_secret=self.call_secret,
            occurred_at=self.occurred_at,
            **fields,
        )


class _Data(msgspec.Struct):
    event_type: str
    id: str
    payload: dict[str, Any]
    occurred_at: str | None = None


class _Envelope(msgspec.Struct):
    data: _Data


_decoder = msgspec.json.Decoder(_Envelope)


def verify(request: WebhookRequest, keys: Sequence[Ed25519PublicKey]) -> VerifiedWebhook:
    """Check that Telnyx sent `request`.

    A delivery that Telnyx repeats has another ``meta.attempt``, so its body is its name; what is
    repeated in it is recognised by ``data.id``.

    Raises:
        SignatureInvalid: not signed, or by none of `keys`.
        WebhookStale: signed too long ago, or in the future.
    """
    if not keys:
        raise SignatureInvalid("no public key to verify with; set telnyx.publicKey")
    signature = strict_base64(single_header(request, SIGNATURE_HEADER).strip())
    stamp = single_header(request, TIMESTAMP_HEADER).strip()
    if signature is None or len(signature) != SIGNATURE_BYTES:
        raise SignatureInvalid(f"{SIGNATURE_HEADER!r} must be base64 of {SIGNATURE_BYTES} bytes")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > _LONGEST_STAMP:
        raise SignatureInvalid(f"{TIMESTAMP_HEADER!r} must be whole seconds since the epoch")
    if not signed_by(keys, signature, stamp.encode() + b"|" + request.body):
        raise SignatureInvalid("the signature does not fit; compare telnyx.publicKey")
    # Telnyx counts whole seconds, so that is what the window is measured in.
    require_fresh(float(stamp), math.floor(request.received_at))
    return VerifiedWebhook(request=request, replay_key=hashlib.sha256(request.body).hexdigest())


def read(webhook: VerifiedWebhook) -> Report:
    """The report in a webhook.

    Raises:
        WebhookMalformed: there is none.
    """
    try:
        data = _decoder.decode(webhook.request.body).data
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise WebhookMalformed("not an event of Telnyx's API v2") from error
    state = read_state(data.payload.get("client_state"))
    call_id, secret = _whose(webhook.request, state)
    return Report(
        kind=data.event_type,
        key=data.id,
        payload=data.payload,
        occurred_at=read_time(data.occurred_at),
        state=state,
        call_id=call_id,
        call_secret=secret,
    )


def read_time(text: object) -> float | None:
    """Seconds since the epoch of a time as Telnyx writes it; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _whose(request: WebhookRequest, state: ClientState | None) -> tuple[CallId | None, str | None]:
    """Our call and its secret: from the callback's URL, else from the leg's state."""
    call_id, secret = request.query(CALL_ID_QUERY), request.query(CALL_SECRET_QUERY)
    if call_id and secret:
        return CallId(call_id), secret
    if state is not None and state.secret:
        return state.call, state.secret
    return None, None
