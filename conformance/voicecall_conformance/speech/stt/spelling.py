"""How does somebody speak to a vendor's double? By spelling: a letter in every frame of 20 ms.

A frame whose bytes are all the same is a letter, one of 0xFF is silence, as in µ-law: what the
double was sent can be read off what it understood, frame by frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Iterable

import anyio

from voicecall.sdk import FRAME_SECONDS, MULAW_8K, SpeechEvent, SpeechFinal, SpeechPartial

FRAME_BYTES = MULAW_8K.frame_bytes
SILENCE = b"\xff" * FRAME_BYTES


def spelled(text: str, silence_seconds: float = 1.0) -> list[bytes]:
    """`text` as frames, and silence after it."""
    letters = [bytes([ord(letter)]) * FRAME_BYTES for letter in text]
    return letters + [SILENCE] * round(silence_seconds / FRAME_SECONDS)


class Transcript:
    """A `TranscriptSink`; `final` is set with the first final."""

    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []
        self.final = anyio.Event()

    async def write(self, event: SpeechEvent) -> None:
        self.events.append(event)
        if isinstance(event, SpeechFinal):
            self.final.set()

    @property
    def finals(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, SpeechFinal)]

    @property
    def partials(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, SpeechPartial)]


class Line:
    """An `AudioSource` that goes on until `hang_up`."""

    def __init__(self, frames: Iterable[bytes] = ()) -> None:
        self._frames = deque(frames)
        self._over = False
        self._changed = anyio.Event()

    def say(self, frames: Iterable[bytes]) -> None:
        self._frames.extend(frames)
        self._changed.set()

    def hang_up(self) -> None:
        self._over = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._frames:
                yield self._frames.popleft()
            if self._over:
                return
            self._changed = anyio.Event()
            await self._changed.wait()
