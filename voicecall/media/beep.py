"""Did an answering machine's tone sound? One steady pure tone, told from speech and from keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voicecall.media.convert import Converter, decode
from voicecall.model.media import FRAME_SECONDS, PCM16_8K, AudioFormat

LOWEST_HERTZ, HIGHEST_HERTZ, STEP_HERTZ = 500, 2100, 25
PURE = 0.75
"""The share of a frame's energy that one frequency must hold: a key's two tones hold half each."""
QUIETEST_TONE = 400.0
"""Root mean square of samples, of 32768: -38 dBFS."""
SHORTEST_SECONDS, LONGEST_SECONDS = 0.16, 2.5
"""What is shorter may be a vowel; what is longer, a line's own tone."""

_WINDOW = PCM16_8K.rate // STEP_HERTZ
"""Samples, most of them zero, of which a Fourier transform has its bins so far apart."""
_FIRST, _LAST = LOWEST_HERTZ // STEP_HERTZ, HIGHEST_HERTZ // STEP_HERTZ


class BeepFinder:
    """Finds the end of a beep in one stream of audio.

    Args:
        format: of the audio.
    """

    def __init__(self, format: AudioFormat) -> None:
        self._converter = Converter(format, PCM16_8K)
        self._audio = b""
        self._frames = 0
        self._at = 0

    def hear(self, data: bytes) -> bool:
        """Whether a beep ended within `data`, audio of any length."""
        self._audio += self._converter.feed(data)
        size, beeped = PCM16_8K.frame_bytes, False
        while len(self._audio) >= size:
            frame, self._audio = self._audio[:size], self._audio[size:]
            beeped |= self._ends(tone_in(decode(frame, PCM16_8K.encoding).astype(np.float64)))
        return beeped

    def _ends(self, tone: int | None) -> bool:
        """Whether the tone that has sounded is over with this frame, and was a beep."""
        if tone is not None and self._frames and abs(tone - self._at) <= STEP_HERTZ:
            self._frames += 1
            return False
        lasted = self._frames * FRAME_SECONDS
        self._frames, self._at = (0, 0) if tone is None else (1, tone)
        return tone is None and SHORTEST_SECONDS <= lasted <= LONGEST_SECONDS


def tone_in(frame: npt.NDArray[np.float64]) -> int | None:
    """The frequency of the pure tone that fills 20 ms at 8000 Hz; None: nothing does."""
    energy = float(frame @ frame)
    if energy < QUIETEST_TONE**2 * len(frame):
        return None
    bins = np.fft.rfft(frame, _WINDOW)[_FIRST : _LAST + 1]
    powers = np.abs(bins) ** 2 * 2 / len(frame)
    best = int(powers.argmax())
    return (_FIRST + best) * STEP_HERTZ if powers[best] >= PURE * energy else None
