"""What a speech-to-text plugin implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol

from voicecall.model.speech import SpeechEvent


class AudioSource(Protocol):
    """Gives the caller's audio as it comes."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Frames of 20 ms in `SttSpec.input_format`, silence included; ends with the stream."""
        ...


class TranscriptSink(Protocol):
    """Takes what was recognised."""

    async def write(self, event: SpeechEvent) -> None:
        """Take the next event: `SpeechBegan`, then `SpeechPartial`s, then one `SpeechFinal`."""
        ...


class SttBackend(ABC):
    """Turns audio into text."""

    @abstractmethod
    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        """Recognise one stream until `audio` ends; what was begun is then finished.

        Detects the ends of speech itself (`SttContext.silence_seconds`). Must not block the
        event loop. Several streams may run at once.

        Raises:
            SpeechError: recognition is lost; `retryable` lets the kernel begin anew.
        """
