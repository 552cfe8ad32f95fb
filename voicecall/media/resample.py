"""How does audio change its sample rate? A polyphase FIR that keeps its state between chunks.

A Kaiser-windowed sinc of 9 ms, linear phase: the output lags 4.5 ms behind the input and is
aligned with it, so that nothing shifts. The lower of both rates decides the band: flat up to
500 Hz below its half, and at least 70 dB down from its half on.

Coefficients are whole numbers (scaled by 2^24) in float64, where sums of whole numbers are
exact in any order: the same samples come out however the input was cut into chunks.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
import numpy.typing as npt

from voicecall.media.g711 import Samples

HOLD_BACK_SECONDS = 0.0045
"""How much of the newest input waits for what follows it."""
TRANSITION_HZ = 500.0
"""Width of the band between passed and stopped."""

FEW_PHASES = 4
"""With so few, filtering phase by phase is faster than gathering a window for each output."""

_ATTENUATION_DB = 72.0
_KAISER_BETA = 0.1102 * (_ATTENUATION_DB - 8.7)
_SCALE = float(1 << 24)

_Floats = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.int64]


class Resampler:
    """Changes the rate of one stream of 16-bit samples.

    Args:
        source_rate: Hz of what is fed.
        target_rate: Hz of what comes out.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        common = gcd(source_rate, target_rate)
        self._up = target_rate // common
        self._down = source_rate // common
        self._bank = _filter_bank(self._up, self._down, source_rate)
        self._half = self._bank.shape[1] // 2
        self._reset()

    def feed(self, samples: Samples) -> Samples:
        """What comes out once `samples` went in; together `n` samples give `ceil(n·up/down)`."""
        self._taken += len(samples)
        return self._advance(samples.astype(np.float64))

    def flush(self) -> Samples:
        """The rest, with silence behind it; the resampler then begins anew."""
        total = -(-self._taken * self._up // self._down)
        rest = self._advance(np.zeros(2 * self._half))[: total - self._made]
        self._reset()
        return rest

    def _reset(self) -> None:
        self._window: _Floats = np.zeros(self._half)
        self._window_start = 0
        self._taken = 0
        self._made = 0
        self._next = 0

    def _advance(self, samples: _Floats) -> Samples:
        window = np.concatenate([self._window, samples])
        taps = self._bank.shape[1]
        self._made = self._next
        ready = self._ready(len(window) - taps)
        order = np.arange(self._next, self._next + ready) * self._down
        begins = order // self._up - self._window_start
        self._next += ready
        made = self._filter(window, begins, order % self._up)
        drop = min(self._next * self._down // self._up - self._window_start, len(window))
        self._window = window[drop:]
        self._window_start += drop
        return made

    def _ready(self, last_begin: int) -> int:
        """How many outputs have a whole window up to `last_begin`."""
        if last_begin < 0:
            return 0
        last = ((self._window_start + last_begin + 1) * self._up - 1) // self._down
        return max(0, last - self._next + 1)

    def _filter(self, window: _Floats, begins: _Indices, phases: _Indices) -> Samples:
        if not len(begins):
            return np.zeros(0, np.int16)
        if self._up <= FEW_PHASES:
            sums = self._filter_by_phase(window, begins, phases)
        else:
            windows = np.lib.stride_tricks.sliding_window_view(window, self._bank.shape[1])
            sums = np.einsum("nk,nk->n", windows[begins], self._bank[phases])
        rounded: _Floats = np.floor(sums / _SCALE + 0.5)
        return np.clip(rounded, -32768, 32767).astype(np.int16)

    def _filter_by_phase(self, window: _Floats, begins: _Indices, phases: _Indices) -> _Floats:
        """Every `up`-th output uses the same taps, `down` samples further on."""
        sums = np.empty(len(begins))
        for first in range(min(self._up, len(begins))):
            taps = self._bank[phases[first]]
            last = begins[first :: self._up][-1]
            span = window[begins[first] : last + len(taps)]
            sums[first :: self._up] = np.correlate(span, taps, "valid")[:: self._down]
        return sums


@lru_cache(maxsize=32)
def _filter_bank(up: int, down: int, source_rate: int) -> _Floats:
    """Row `p` holds the taps for outputs that lie `p/up` of a sample behind an input sample."""
    half = max(1, int(HOLD_BACK_SECONDS * source_rate))
    low_rate = min(source_rate, source_rate * up // down)
    cutoff = (low_rate / 2 - TRANSITION_HZ / 2) / source_rate
    offsets = np.arange(-half, half + 1)[None, :] - np.arange(up)[:, None] / up
    shape = np.clip(1 - (offsets / (half + 1)) ** 2, 0, None)
    taps = 2 * cutoff * np.sinc(2 * cutoff * offsets) * np.i0(_KAISER_BETA * np.sqrt(shape))
    taps /= taps.sum(axis=1, keepdims=True)
    return np.asarray(np.rint(taps * _SCALE), np.float64)
