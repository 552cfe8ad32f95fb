"""How does a mark sound? 16-bit samples of one unit, always the same ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from voicecall_tts_tones.codebook import (
    END,
    RAMP_SAMPLES,
    RATE,
    START,
    TONE_LEVEL,
    UNIT_SAMPLES,
    chord,
    frequency,
)


@lru_cache(maxsize=258)
def unit(mark: int) -> bytes:
    """The sound of `mark`: 160 samples, signed 16-bit little-endian."""
    time = np.arange(UNIT_SAMPLES) / RATE
    low, high = (np.sin(2 * np.pi * frequency(tone) * time) for tone in chord(mark))
    swell = np.minimum(1.0, (np.arange(UNIT_SAMPLES) + 0.5) / RAMP_SAMPLES)
    samples = TONE_LEVEL * (low + high) * swell * swell[::-1]
    return bytes(np.round(samples * 32767).astype("<i2").tobytes())


def units(text: str, repeat: int) -> Iterator[bytes]:
    """The sound of `text`, unit by unit.

    Args:
        text: anything; lone surrogates become ``?``.
        repeat: how many units one byte lasts, 1 to 255.
    """
    yield unit(START)
    yield unit(repeat)
    for byte in text.encode("utf-8", "replace"):
        for _ in range(repeat):
            yield unit(byte)
    yield unit(END)
