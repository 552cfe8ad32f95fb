"""When does the caller speak? Energy over the line's noise; pure, frame by frame."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

import numpy as np

FRAME_SECONDS = 0.020
LONGEST_SECONDS = 30.0
"""Speech that does not pause is cut here, so that a noisy line cannot grow without bound."""

_ONSET_FRAMES = 4
_ONSET_WINDOW = 6
_LEAD_FRAMES = 15
_TAIL_FRAMES = 15
_QUIETEST_SPEECH = 200.0
_OVER_NOISE = 3.0
_NOISE_RISE = 1.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Began:
    """The caller began to speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The caller has stopped, `ago` seconds ago, after about `seconds` of speech.

    `audio` holds the speech, with a little of the line before and behind it.
    """

    audio: bytes
    ago: float
    seconds: float


class Segmenter:
    """Cuts one stream into stretches of speech.

    Args:
        silence_seconds: silence that ends a stretch.
    """

    def __init__(self, silence_seconds: float) -> None:
        self._patience = max(1, ceil(silence_seconds / FRAME_SECONDS - 1e-9))
        self._noise = _QUIETEST_SPEECH
        self._lead: deque[bytes] = deque(maxlen=_LEAD_FRAMES)
        self._recent: deque[bool] = deque(maxlen=_ONSET_WINDOW)
        self._audio: list[bytes] = []
        self._frames = 0
        self._silent = 0

    def feed(self, frame: bytes) -> Began | Stopped | None:
        """Take the next 20 ms of 16-bit PCM."""
        loud = self._is_loud(frame)
        return self._go_on(frame, loud) if self._frames else self._wait(frame, loud)

    def finish(self) -> Stopped | None:
        """The stream is over: what was begun ends."""
        return self._stop() if self._frames else None

    def _is_loud(self, frame: bytes) -> bool:
        samples = np.frombuffer(frame, "<i2").astype(np.float64)
        level = float(np.sqrt(np.mean(samples * samples))) if len(samples) else 0.0
        loud = level > max(_QUIETEST_SPEECH, _OVER_NOISE * self._noise)
        # The floor falls at once and rises slowly, so that speech does not become the noise.
        self._noise = min(max(level, 1.0), self._noise * _NOISE_RISE)
        return loud

    def _wait(self, frame: bytes, loud: bool) -> Began | None:
        self._lead.append(frame)
        self._recent.append(loud)
        if sum(self._recent) < _ONSET_FRAMES:
            return None
        self._audio = list(self._lead)
        self._frames, self._silent = len(self._recent), 0
        self._lead.clear()
        self._recent.clear()
        return Began()

    def _go_on(self, frame: bytes, loud: bool) -> Stopped | None:
        self._audio.append(frame)
        self._frames += 1
        self._silent = 0 if loud else self._silent + 1
        if self._silent >= self._patience or self._frames * FRAME_SECONDS >= LONGEST_SECONDS:
            return self._stop()
        return None

    def _stop(self) -> Stopped:
        silence = max(0, self._silent - _TAIL_FRAMES)
        stopped = Stopped(
            audio=b"".join(self._audio[: len(self._audio) - silence]),
            ago=self._silent * FRAME_SECONDS,
            seconds=(self._frames - self._silent) * FRAME_SECONDS,
        )
        self._audio = []
        self._frames = 0
        return stopped
