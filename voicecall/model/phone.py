"""How phone numbers are written: E.164 text, and its masked form for logs."""

from __future__ import annotations

import re

NUMBER = re.compile(r"\+[0-9]{7,15}", re.ASCII)
"""What looks like a phone number."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_DECORATION = re.compile(r"[\s().\-/]", re.ASCII)


def is_e164(text: str) -> bool:
    """Whether `text` is an E.164 number: ``+``, then 7 to 15 ASCII digits, no leading zero."""
    return _E164.fullmatch(text) is not None


def normalise_number(text: str) -> str | None:
    """`text` as E.164, or None when it is none.

    Blanks and the usual punctuation are dropped; a missing ``+`` is not guessed here, because
    only a carrier's adapter knows that its numbers come without one.
    """
    stripped = _DECORATION.sub("", text)
    return stripped if is_e164(stripped) else None


def mask_number(text: str | None) -> str:
    """`text` for logs: ``+1555•••0123``; anything too short to mask is hidden whole."""
    if not text:
        return "unknown"
    if len(text) < 9:
        return "•••"
    return f"{text[:5]}•••{text[-4:]}"


def hide_numbers(text: str) -> str:
    """`text` with every phone number in it masked."""
    return NUMBER.sub(lambda match: mask_number(match.group()), text)
