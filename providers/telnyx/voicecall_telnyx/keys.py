"""Who signed? An Ed25519 public key, and the check of a signature."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from voicecall_telnyx.public_key import key_bytes

SIGNATURE_BYTES = 64


def read_key(text: str) -> Ed25519PublicKey:
    """The key that `text` holds: PEM, base64 of the raw bytes, or base64 DER.

    Raises:
        ValueError: it holds none.
    """
    return Ed25519PublicKey.from_public_bytes(key_bytes(text))


def signed_by(keys: Iterable[Ed25519PublicKey], signature: bytes, message: bytes) -> bool:
    """Whether one of `keys` made `signature` over `message`."""
    return any([_fits(key, signature, message) for key in keys])


def _fits(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
