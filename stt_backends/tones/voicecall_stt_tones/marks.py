"""Which marks does the audio hold? Samples in, marks out; no clock, no text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from voicecall_stt_tones.codebook import (
    END,
    LOWEST_TONE_HZ,
    RAMP_SAMPLES,
    RATE,
    START,
    TONE_COUNT,
    TONE_STEP_HZ,
    UNIT_SAMPLES,
    chord,
    frequency,
)

SILENT = -1
"""A unit without sound."""

DAMAGED = -2
"""A unit with sound that is no chord of ours."""

_Samples = NDArray[np.float32]

_WINDOW = RATE // TONE_STEP_HZ
_MARGIN = (UNIT_SAMPLES - _WINDOW) // 2
_FIRST_BIN = LOWEST_TONE_HZ // TONE_STEP_HZ
_QUIET = 0.01
_PURITY = 0.75
_LIKENESS = 0.75
_MARKS = {chord(mark): mark for mark in range(END + 1)}


class MarkReader:
    """Finds utterances at any offset of the audio and reads their units.

    A start chord sets the place of the units that follow. It is looked for wherever no
    utterance is running, and around every unit that is silent or damaged, so that an utterance
    that was cut does not hide the next one.
    """

    def __init__(self) -> None:
        self._buffer: _Samples = np.zeros(0, np.float32)
        self._unit = 0
        self._locked = False

    def feed(self, pcm: bytes) -> Iterator[int]:
        """Take 16-bit PCM at 8000 Hz, whole samples, and give the marks that are complete now."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        self._buffer = np.concatenate([self._buffer, samples])
        while (mark := self._next()) is not None:
            yield mark

    def flush(self) -> Iterator[int]:
        """The stream has ended: give the marks that waited for what might follow."""
        yield from self.feed(bytes(2 * 2 * UNIT_SAMPLES))

    def _next(self) -> int | None:
        mark = SILENT
        if self._locked and len(self._buffer) >= self._unit + UNIT_SAMPLES:
            mark = read_unit(self._buffer[self._unit : self._unit + UNIT_SAMPLES])
            if 0 <= mark != START:
                return self._take(mark, self._unit)
        if len(self._buffer) < self._unit + 2 * UNIT_SAMPLES:
            return None
        start = find_start(self._buffer[: self._unit + 2 * UNIT_SAMPLES])
        # Further right it may be the slope of a peak that lies behind what was received.
        if start is not None and start <= self._unit + UNIT_SAMPLES // 2:
            return self._take(START, start)
        self._advance(self._unit + UNIT_SAMPLES, keep=UNIT_SAMPLES)
        return DAMAGED if mark == START else mark

    def _take(self, mark: int, place: int) -> int:
        self._locked = mark != END
        self._advance(place + UNIT_SAMPLES, keep=0 if mark == START else UNIT_SAMPLES)
        return mark

    def _advance(self, unit: int, *, keep: int) -> None:
        """Make `unit` the current place; up to `keep` samples before it stay searchable."""
        drop = max(0, unit - keep)
        self._buffer = self._buffer[drop:]
        self._unit = unit - drop


def read_unit(unit: _Samples) -> int:
    """The mark that a unit of 160 samples sounds, `SILENT` or `DAMAGED`."""
    middle = unit[_MARGIN : _MARGIN + _WINDOW]
    if float(np.sqrt(np.mean(middle * middle))) < _QUIET:
        return SILENT
    power = np.abs(np.fft.rfft(middle)) ** 2
    tones = power[_FIRST_BIN : _FIRST_BIN + TONE_COUNT]
    second, first = np.argsort(tones)[-2:]
    if tones[first] + tones[second] < _PURITY * power.sum() or tones[second] < 0.1 * tones[first]:
        return DAMAGED
    return _MARKS.get((int(min(first, second)), int(max(first, second))), DAMAGED)


def find_start(samples: _Samples) -> int | None:
    """Where the likest start chord begins in `samples`; None: there is none."""
    if len(samples) < UNIT_SAMPLES or float(np.max(np.abs(samples))) < 2 * _QUIET:
        return None
    template = _start_chord()
    energy = np.convolve(samples * samples, np.ones(UNIT_SAMPLES, np.float32), "valid")
    match = np.abs(np.correlate(samples, template, "valid"))
    floor = UNIT_SAMPLES * _QUIET**2
    likeness = match / np.sqrt(np.maximum(energy, floor) * np.sum(template * template))
    place = int(np.argmax(likeness))
    return place if likeness[place] >= _LIKENESS else None


@cache
def _start_chord() -> _Samples:
    time = np.arange(UNIT_SAMPLES) / RATE
    low, high = (np.sin(2 * np.pi * frequency(tone) * time) for tone in chord(START))
    swell = np.minimum(1.0, (np.arange(UNIT_SAMPLES) + 0.5) / RAMP_SAMPLES)
    wave = (low + high) * swell * swell[::-1]
    return np.asarray(wave, np.float32)
