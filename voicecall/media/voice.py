"""How long has the caller's own voice lasted? Looks at every frame while it passes."""

from __future__ import annotations

import math

import numpy as np

from voicecall.media.convert import Converter, decode, encode, energy
from voicecall.media.echo import EchoFinder
from voicecall.model.media import FRAME_SECONDS, PCM16_8K, AudioFormat, Encoding
from voicecall.sdk.vad import VadStream

PAUSE_SECONDS = 0.2
"""A shorter pause belongs to the voice."""
QUIETEST_VOICE = 200.0
"""Root mean square of samples, of 32768, below which nothing is a voice: -44 dBFS."""
ABOVE_NOISE = 3.0
"""How far a voice stands out of the line's noise: 10 dB."""
NOISE_RISE = 1.02
"""How fast the noise that we assume grows with each frame; it falls at once."""
ECHO_WINDOW_FRAMES = 10
"""How much of what was heard is compared with what we played: 200 ms."""

FRAMES_PER_ECHO_CHECK = 3
"""A comparison costs half a millisecond and holds for 60 ms."""


class VoiceMeter:
    """Measures voice in one stream of caller's audio.

    Args:
        format: of the audio.
        vad: tells speech from noise; None: loudness does.
        echo: knows what we played; None: echoes count as the caller's voice.
    """

    def __init__(self, format: AudioFormat, vad: VadStream | None, echo: EchoFinder | None) -> None:
        self._format = format if format.rate == PCM16_8K.rate else PCM16_8K
        self._converter = Converter(format, self._format)
        self._samples = int(FRAME_SECONDS * self._format.rate)
        self._vad = vad
        self._echo = echo
        self._audio = b""
        self._window = b""
        self._echoing = False
        self._unchecked = 0
        self._noise = QUIETEST_VOICE
        self._pause = 0.0
        self._seconds = 0.0
        self._longest = 0.0

    @property
    def seconds(self) -> float:
        """How long the voice has lasted, zero after a pause."""
        return self._seconds

    @property
    def longest(self) -> float:
        """The longest that the voice lasted since `forget`."""
        return self._longest

    def forget(self, ended_ago: float) -> None:
        """Measure the longest voice anew: words that ended `ended_ago` seconds ago are understood.

        What lasts now is younger than their end, and only that is compared with what we play.
        """
        since = round(ended_ago / FRAME_SECONDS) * self._format.frame_bytes
        self._window = self._window[max(0, len(self._window) - since) :]
        self._unchecked = 0
        self._seconds = min(self._seconds, ended_ago)
        self._longest = self._seconds

    @property
    def quiet_seconds(self) -> float:
        """How long the pause has lasted."""
        return self._pause

    def hear(self, data: bytes, now: float) -> None:
        """Take audio of any length that arrived at `now`, in call seconds."""
        self._audio += self._converter.feed(data)
        size = self._format.frame_bytes
        while len(self._audio) >= size:
            frame, self._audio = self._audio[:size], self._audio[size:]
            self._window = (self._window + frame)[-ECHO_WINDOW_FRAMES * size :]
            self._count(self._is_voice(frame) and not self._is_echo(now))

    def _count(self, voice: bool) -> None:
        if voice:
            self._seconds += FRAME_SECONDS
            self._longest = max(self._longest, self._seconds)
            self._pause = 0.0
            return
        self._pause += FRAME_SECONDS
        if self._pause >= PAUSE_SECONDS:
            self._seconds = 0.0

    def _is_voice(self, frame: bytes) -> bool:
        if self._vad is not None:
            samples = decode(frame, self._format.encoding)
            return self._vad.is_speech(encode(samples, Encoding.PCM16))
        loudness = math.sqrt(energy(frame, self._format.encoding) / self._samples)
        voice = loudness > max(QUIETEST_VOICE, ABOVE_NOISE * self._noise)
        self._noise = min(loudness, self._noise * NOISE_RISE + 0.1)
        return voice

    def _is_echo(self, now: float) -> bool:
        if self._echo is None:
            return False
        if self._unchecked == 0:
            heard = decode(self._window, self._format.encoding).astype(np.float64)
            self._echoing = self._echo.explains(heard, now)
        self._unchecked = (self._unchecked + 1) % FRAMES_PER_ECHO_CHECK
        return self._echoing
