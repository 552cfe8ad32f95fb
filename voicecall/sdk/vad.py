"""What a voice-activity plugin implements."""

from __future__ import annotations

from abc import ABC, abstractmethod


class VadStream(ABC):
    """Voice activity of one stream; keeps state between frames."""

    @abstractmethod
    def is_speech(self, frame: bytes) -> bool:
        """Whether this frame (20 ms, 16-bit little-endian PCM, 8000 Hz: 320 bytes) holds speech.

        Raises:
            ValueError: the frame has another length.
        """


class VadBackend(ABC):
    """Tells speech from everything else."""

    @abstractmethod
    def stream(self) -> VadStream:
        """A detector for one stream."""
