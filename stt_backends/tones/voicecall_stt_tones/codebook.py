"""Which tones stand for what? Shared, byte for byte, by the writing and the reading package.

An utterance is a row of units of 20 ms at 8000 Hz, each a chord of two tones: a start chord,
one unit with the number of units a byte lasts, the bytes of the text in UTF-8, an end chord.
A byte sounds as one low tone (its upper four bits) and one high tone (its lower four); start
and end use pairs from within one group, which no byte does. Tones lie 100 Hz apart from 300
to 3400 Hz, so that 10 ms from the middle of a unit tell them apart on any telephone line.
"""

from __future__ import annotations

RATE = 8000
"""Samples a second."""

UNIT_SAMPLES = 160
"""Samples in one unit: 20 ms, one frame of telephone audio."""

UNIT_MS = 20

TONE_STEP_HZ = 100
LOWEST_TONE_HZ = 300
TONE_COUNT = 32

START = 256
"""The mark with which an utterance begins; marks below are bytes."""

END = 257
"""The mark with which an utterance ends."""

RAMP_SAMPLES = 16
"""Samples over which a chord swells and fades, so that it does not click."""

TONE_LEVEL = 0.22
"""Amplitude of each tone; 1 is full scale."""


def chord(mark: int) -> tuple[int, int]:
    """The indexes of the two tones of a byte, `START` or `END`, the lower first."""
    if mark == START:
        return 2, 12
    if mark == END:
        return 18, 28
    return mark >> 4, 16 + (mark & 15)


def frequency(tone: int) -> int:
    """The frequency of tone `tone` in Hz."""
    return LOWEST_TONE_HZ + TONE_STEP_HZ * tone
