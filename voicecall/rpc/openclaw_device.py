"""Has a device signed what it sent? Ed25519 over the parts of its connect request.

Source: https://docs.openclaw.ai/gateway/protocol
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE_SECONDS = 120
"""How far the signer's clock may be from ours, either way."""

_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedConnect:
    """A connect request as its device signed it.

    Args:
        device_id: lower-case hex SHA-256 of the raw public key.
        public_key: the raw 32 bytes, base64url without padding.
        signature: 64 bytes, likewise.
        signed_at: the device's clock, milliseconds since the epoch.
        nonce: the challenge that it answers.
        token: of the same request; empty when it shows a password.
    """

    device_id: str
    public_key: str
    signature: str
    signed_at: int
    nonce: str
    client_id: str
    client_mode: str
    role: str
    scopes: Sequence[str]
    token: str
    platform: str
    device_family: str

    @property
    def text(self) -> str:
        """What the signature is over."""
        parts = (
            "v3",
            self.device_id,
            self.client_id,
            self.client_mode,
            self.role,
            ",".join(self.scopes),
            str(self.signed_at),
            self.token,
            self.nonce,
            _plain(self.platform),
            _plain(self.device_family),
        )
        return "|".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRefusal:
    """Why a device is not believed. `code` is for `details.code`."""

    code: str
    message: str


_BAD_KEY = DeviceRefusal(code="DEVICE_AUTH_PUBLIC_KEY_INVALID", message="device public key invalid")
_OTHER_ID = DeviceRefusal(
    code="DEVICE_AUTH_DEVICE_ID_MISMATCH", message="device id is not that of its public key"
)
_STALE = DeviceRefusal(
    code="DEVICE_AUTH_SIGNATURE_EXPIRED",
    message="device signature expired; compare the clocks of both machines",
)
_OTHER_NONCE = DeviceRefusal(
    code="DEVICE_AUTH_NONCE_MISMATCH", message="device nonce is not that of the challenge"
)
_BAD_SIGNATURE = DeviceRefusal(
    code="DEVICE_AUTH_SIGNATURE_INVALID", message="device signature invalid"
)


def refuse_device(signed: SignedConnect, *, nonce: str, now: float) -> DeviceRefusal | None:
    """Why `signed` is not believed, or None.

    Args:
        signed: what the device claims.
        nonce: the challenge of this connection.
        now: seconds since the epoch.
    """
    key = _decoded(signed.public_key, _KEY_BYTES)
    if key is None:
        return _BAD_KEY
    if not hmac.compare_digest(hashlib.sha256(key).hexdigest().encode(), _raw(signed.device_id)):
        return _OTHER_ID
    if abs(now * 1000 - signed.signed_at) > SIGNATURE_SECONDS * 1000:
        return _STALE
    if not hmac.compare_digest(_raw(signed.nonce), nonce.encode()):
        return _OTHER_NONCE
    signature = _decoded(signed.signature, _SIGNATURE_BYTES)
    if signature is None:
        return _BAD_SIGNATURE
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, _raw(signed.text))
    except (InvalidSignature, ValueError):
        return _BAD_SIGNATURE
    return None


def _plain(text: str) -> str:
    return text.strip().translate(_ASCII_LOWER)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: str, size: int) -> bytes | None:
    """`text` from base64url, with or without padding, when that gives `size` bytes."""
    stripped = text.rstrip("=")
    try:
        padded = stripped + "=" * (-len(stripped) % 4)
        found = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return found if len(found) == size else None
