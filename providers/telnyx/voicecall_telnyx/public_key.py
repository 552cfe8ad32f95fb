"""How may an Ed25519 public key be written? PEM, base64 of its bytes, base64 DER; light."""

from __future__ import annotations

import base64
import binascii

KEY_BYTES = 32
_DER_PREFIX = bytes.fromhex("302a300506032b6570032100")
"""What stands before the key in a SubjectPublicKeyInfo (RFC 8410, section 4)."""


def key_bytes(text: str) -> bytes:
    """The raw key that `text` holds.

    Raises:
        ValueError: it holds none; the message says which forms there are.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
    if lines and lines[0].startswith("-----BEGIN"):
        lines = [line for line in lines if line and not line.startswith("-----")]
    data = strict_base64("".join(lines))
    if data is not None and len(data) == len(_DER_PREFIX) + KEY_BYTES:
        data = data.removeprefix(_DER_PREFIX)
    if data is None or len(data) != KEY_BYTES:
        raise ValueError(
            "this is no Ed25519 public key; write it as PEM, as base64 of its 32 bytes, or as "
            "base64 DER, as the portal shows it: Keys & credentials, Public key"
        )
    return data


def strict_base64(text: str) -> bytes | None:
    """What `text` encodes; None when it is not base64 of the standard alphabet, padded."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
