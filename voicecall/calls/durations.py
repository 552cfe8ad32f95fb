"""How long do words and digits take on a phone line? Estimates, in call seconds."""

from __future__ import annotations

from itertools import accumulate

LETTER_SECONDS = 1 / 15
SPOKEN_DIGIT_SECONDS = 0.3
WIDE_SECONDS = 0.25
"""A character of a script that writes syllables."""
_FIRST_WIDE = "\u2e80"

TONE_SECONDS = 0.2
_WAITS = {"w": 0.5, "W": 1.0}


def speaking_seconds(text: str) -> float:
    """How long a voice takes to say `text`, roughly."""
    return sum(map(_seconds, text))


def heard_within(text: str, seconds: float) -> str:
    """What is heard of `text` after `seconds`: whole words, roughly; at most all of it."""
    times = accumulate(map(_seconds, text))
    end = next((place for place, time in enumerate(times) if time > seconds), None)
    if end is None:
        return text
    part = text[:end]
    if not (text[end].isspace() or text[end] >= _FIRST_WIDE):
        part = part[: part.rfind(" ") + 1]
    return part.rstrip()


def digits_seconds(digits: str | None) -> float:
    """How long the carrier takes to send `digits` (`SendDigits`)."""
    return sum(_WAITS.get(digit, TONE_SECONDS) for digit in digits or "")


def _seconds(character: str) -> float:
    if character >= _FIRST_WIDE:
        return WIDE_SECONDS
    return SPOKEN_DIGIT_SECONDS if character.isdigit() else LETTER_SECONDS
