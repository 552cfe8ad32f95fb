"""How does Telnyx word and sign an event? Bodies and headers of its webhooks."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from voicecall_telnyx.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER

CONNECTION_ID = "1684641123236054244"
_NAMES = uuid.UUID("6f1f7c1c-2a9d-4f0e-9a57-3c5f5a0d8c11")


def private_key(text: str) -> Ed25519PrivateKey:
    """A throw-away key; every text has its own."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode()).digest())


def public_key(key: Ed25519PrivateKey) -> str:
    """Its public key as the portal shows it."""
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def stable_uuid(name: str) -> str:
    """A uuid that is always the same for `name`."""
    return str(uuid.uuid5(_NAMES, name))


def written_time(at: float) -> str:
    """A time as Telnyx writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def call_payload(call: str, *, client_state: str | None = None) -> dict[str, object]:
    """What the payload of every event of a call has."""
    return {
        "call_control_id": call,
        "call_leg_id": stable_uuid(f"leg {call}"),
        "call_session_id": stable_uuid(f"session {call}"),
        "connection_id": CONNECTION_ID,
        "client_state": client_state,
    }


def report_body(
    kind: str,
    payload: Mapping[str, object],
    *,
    key: str,
    at: float,
    url: str,
    attempt: int = 1,
) -> bytes:
    """The body of a webhook: the event `key` that happened at `at`, delivered to `url`."""
    data = {
        "record_type": "event",
        "event_type": kind,
        "id": key,
        "occurred_at": written_time(at),
        "payload": dict(payload),
    }
    report = {"data": data, "meta": {"attempt": attempt, "delivered_to": url}}
    return json.dumps(report, ensure_ascii=False, separators=(",", ":")).encode()


def signed_headers(key: Ed25519PrivateKey, body: bytes, *, at: float) -> dict[str, str]:
    """The headers of a webhook that is sent at `at`."""
    stamp = str(int(at))
    signature = base64.b64encode(key.sign(stamp.encode() + b"|" + body)).decode()
    return {
        "content-type": "application/json",
        "user-agent": "telnyx-webhooks",
        SIGNATURE_HEADER: signature,
        TIMESTAMP_HEADER: stamp,
    }
