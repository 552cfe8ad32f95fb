"""What a text-to-speech plugin implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from voicecall.model.media import Audio
from voicecall.model.speech import Utterance


class AudioSink(Protocol):
    """Takes audio as it is made."""

    async def write(self, audio: Audio) -> None:
        """Take the next piece; waits while the buffer is full. Any length, one format a call."""
        ...


class TtsBackend(ABC):
    """Turns text into audio."""

    @abstractmethod
    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio of `utterance` into `out`, piece by piece, and return at its end.

        May be cancelled at any await; must not block the event loop for longer than a frame.
        Several calls may run at once.

        Raises:
            SpeechError: the audio could not be made.
        """
