"""Is a frame speech? WebRTC's Gaussian mixture decides, one detector a stream."""

from __future__ import annotations

import webrtcvad  # type: ignore[import-untyped]

from voicecall.sdk import PCM16_8K, VadBackend, VadStream

FRAME_BYTES = PCM16_8K.frame_bytes
"""20 ms of 16-bit PCM at 8000 Hz: 320 bytes."""


class WebrtcStream(VadStream):
    """One stream's detector; it learns the stream's noise as it goes.

    Args:
        aggressiveness: 0 to 3.
    """

    def __init__(self, aggressiveness: int) -> None:
        self._detector = webrtcvad.Vad(aggressiveness)

    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame holds speech.

        Raises:
            ValueError: it is not 320 bytes long.
        """
        if len(frame) != FRAME_BYTES:
            raise ValueError(f"a frame must be {FRAME_BYTES} bytes long, not {len(frame)}")
        return bool(self._detector.is_speech(frame, PCM16_8K.rate))


class WebrtcVad(VadBackend):
    """Makes detectors.

    Args:
        aggressiveness: 0 to 3.
    """

    def __init__(self, aggressiveness: int) -> None:
        self._aggressiveness = aggressiveness

    def stream(self) -> VadStream:
        """A detector for one stream."""
        return WebrtcStream(self._aggressiveness)
