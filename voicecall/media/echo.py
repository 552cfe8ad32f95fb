"""Is what we hear our own voice, coming back? Compares the line's audio with what we played."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from voicecall.media.convert import Converter, decode
from voicecall.model.media import PCM16_8K, AudioFormat

LATEST_SECONDS = 0.7
"""How late an echo may come: 400 ms of its own, the rest for the way there and back."""
EARLIEST_SECONDS = -0.1
"""Our guess of when a frame is played may be late by so much."""
EXPLAINED = 0.5
"""The share of the heard energy that one delayed copy of ours must explain."""

_RATE = PCM16_8K.rate
_LAGS = round((LATEST_SECONDS - EARLIEST_SECONDS) * _RATE)
_Floats = npt.NDArray[np.float64]


class EchoFinder:
    """Finds delayed, attenuated copies of what we played.

    Args:
        format: of what we play.
    """

    def __init__(self, format: AudioFormat) -> None:
        self._converter = Converter(format, PCM16_8K)
        self._played: deque[tuple[int, _Floats]] = deque()

    def played(self, frame: bytes, at: float) -> None:
        """A frame of ours is in the caller's ear at `at`, in call seconds."""
        samples = decode(self._converter.feed(frame), PCM16_8K.encoding).astype(np.float64)
        begin = round(at * _RATE)
        self._played.append((begin, samples))
        oldest = begin - 2 * int(LATEST_SECONDS * _RATE)
        while self._played[0][0] < oldest:
            self._played.popleft()

    def explains(self, heard: _Floats, until: float) -> bool:
        """Whether `heard`, 8000 Hz and ended at `until`, is mostly one echo of ours."""
        energy = float(heard @ heard)
        begin = round((until - LATEST_SECONDS) * _RATE) - len(heard)
        if not energy or not self._played or self._played[-1][0] < begin:
            return False
        ours = self._between(begin, begin + len(heard) + _LAGS)
        likeness = _correlate(ours, heard)[: _LAGS + 1]
        energies = np.concatenate([[0.0], np.cumsum(ours * ours)])
        ours_energy = energies[len(heard) :] - energies[: _LAGS + 1]
        loud = ours_energy > 1.0
        shares = likeness[loud] ** 2 / (ours_energy[loud] * energy)
        return bool(shares.size and shares.max() >= EXPLAINED)

    def _between(self, begin: int, end: int) -> _Floats:
        """What we played from sample `begin` to `end`, silence where we did not."""
        line = np.zeros(end - begin)
        for at, samples in self._played:
            first, last = max(at, begin), min(at + len(samples), end)
            if first < last:
                line[first - begin : last - begin] = samples[first - at : last - at]
        return line


def _correlate(line: _Floats, piece: _Floats) -> _Floats:
    """How alike `piece` is to `line` at each lag at which it lies within (no lag wraps there)."""
    spectrum = np.fft.rfft(line) * np.conj(np.fft.rfft(piece, len(line)))
    return np.fft.irfft(spectrum, len(line))
