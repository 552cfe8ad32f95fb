"""What does the phone hear? When the other side speaks and pauses, and in which words."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Callable

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voicecall.sdk import FRAME_SECONDS, SpeechEvent, SpeechFinal, VoicecallError
from voicecall_mock.network.sound import feeder, is_loud
from voicecall_mock.network.studio import Recogniser

BEGIN_FRAMES = 5
"""So many loud frames within `WINDOW_FRAMES` are the beginning of speech: 100 ms."""
WINDOW_FRAMES = 10


class Hearing:
    """One thing that the other side said; `text` is None until it is recognised."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.ended = anyio.Event()
        self.recognised = anyio.Event()
        self.text: str | None = None
        self.send: MemoryObjectSendStream[bytes]
        self.receive: MemoryObjectReceiveStream[bytes]
        self.send, self.receive = anyio.create_memory_object_stream[bytes](math.inf)


class Ears:
    """Cuts what a phone hears into utterances and has each recognised.

    Args:
        tasks: where recognition runs.
        patience: seconds of silence that end an utterance.
        on_heard: told about every utterance when its text is known.

    `recogniser` is what understands; while it is None only beginnings and ends are noticed.
    """

    def __init__(
        self,
        *,
        tasks: TaskGroup,
        patience: float,
        on_heard: Callable[[Hearing], None],
    ) -> None:
        self.hearings: list[Hearing] = []
        self.recogniser: Recogniser | None = None
        self._tasks = tasks
        self._patience = round(patience / FRAME_SECONDS)
        self._on_heard = on_heard
        self._frames = 0
        self._before: deque[tuple[bytes, bool]] = deque(maxlen=WINDOW_FRAMES)
        self._now: Hearing | None = None
        self._quiet = 0
        self._begun = anyio.Event()

    def feed(self, frame: bytes) -> None:
        """Take the next 20 ms."""
        self._frames += 1
        loud = is_loud(frame)
        if self._now is None:
            self._before.append((frame, loud))
            if sum(was_loud for _, was_loud in self._before) >= BEGIN_FRAMES:
                self._begin()
            return
        self._now.send.send_nowait(frame)
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet >= self._patience:
            self.finish()

    def finish(self) -> None:
        """The other side has finished speaking, if it was speaking."""
        if self._now is not None:
            self._now.send.close()
            self._now.ended.set()
            self._now = None

    @property
    def speaking(self) -> Hearing | None:
        """What the other side is saying now."""
        return self._now

    async def speech(self, after: int) -> Hearing:
        """Wait for the utterance number `after`, counted from 0, to begin."""
        while len(self.hearings) <= after:
            await self._begun.wait()
        return self.hearings[after]

    async def settled(self) -> None:
        """Wait until everything heard is recognised."""
        for hearing in self.hearings:
            await hearing.recognised.wait()

    def _begin(self) -> None:
        begun = next(n for n, (_, loud) in enumerate(self._before) if loud)
        frames_ago = len(self._before) - begun
        hearing = Hearing((self._frames - frames_ago) * FRAME_SECONDS)
        for frame, _ in self._before:
            hearing.send.send_nowait(frame)
        self._before.clear()
        self._quiet = 0
        self._now = hearing
        before = self.hearings[-1] if self.hearings else None
        self.hearings.append(hearing)
        self._tasks.start_soon(self._recognise, hearing, before)
        self._begun.set()
        self._begun = anyio.Event()

    async def _recognise(self, hearing: Hearing, before: Hearing | None) -> None:
        with hearing.send, hearing.receive:
            hearing.text = await self._words_of(hearing)
            await hearing.ended.wait()
        if before is not None:  # what is long takes longer, and is told first all the same
            await before.recognised.wait()
        self._on_heard(hearing)
        hearing.recognised.set()

    async def _words_of(self, hearing: Hearing) -> str:
        words = _Words()
        try:
            if self.recogniser is not None:
                frames = _Frames(hearing.receive, feeder(self.recogniser.format))
                await self.recogniser.backend.transcribe(frames, words)
        except VoicecallError as error:
            return f"(not understood: {error.message})"
        return words.text


class _Frames:
    """An `AudioSource` over a stream of frames."""

    def __init__(
        self, frames: MemoryObjectReceiveStream[bytes], feed: Callable[[bytes], bytes]
    ) -> None:
        self._frames = frames
        self._feed = feed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for frame in self._frames:
            yield self._feed(frame)


class _Words:
    """A `TranscriptSink` that keeps the final texts."""

    def __init__(self) -> None:
        self._finals: list[str] = []

    async def write(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechFinal) and event.text:
            self._finals.append(event.text)

    @property
    def text(self) -> str:
        return " ".join(self._finals)
