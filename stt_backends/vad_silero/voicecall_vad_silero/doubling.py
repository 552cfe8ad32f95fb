"""How does telephone audio reach 16 kHz? A sample in between every two, by a half-band filter.

The network listens at 16 kHz only. The filter is a Hann-windowed sinc of 32 taps: what is below
3.5 kHz stays as it is, and its image above 4.5 kHz is 50 dB down, so that nothing sounds like
the hiss of an S that nobody said.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TAPS = 32
"""Samples around each new one; half of them lie ahead, 2 ms."""

Floats = NDArray[np.float64]


def _between() -> Floats:
    """The weights of the samples around the middle of two."""
    distance = np.arange(TAPS) - (TAPS - 1) / 2
    weights = np.sinc(distance) * np.cos(np.pi * distance / TAPS) ** 2
    return np.asarray(weights / weights.sum(), dtype=np.float64)


class Doubler:
    """Doubles the rate of one stream; keeps what the next samples need."""

    def __init__(self) -> None:
        self._weights = _between()
        self._kept = np.zeros(TAPS - 1)

    def feed(self, samples: Floats) -> Floats:
        """Twice as many samples, 2 ms late."""
        heard = np.concatenate([self._kept, samples])
        self._kept = heard[len(samples) :]
        doubled = np.empty(2 * len(samples))
        doubled[0::2] = heard[TAPS // 2 - 1 : TAPS // 2 - 1 + len(samples)]
        doubled[1::2] = np.convolve(heard, self._weights, mode="valid")
        return doubled
