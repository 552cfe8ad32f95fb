"""Virtual time, and speech backends that do as they are told."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest
from trio.testing import MockClock

from voicecall.errors import SpeechError
from voicecall.media import g711
from voicecall.model.media import (
    MULAW_8K,
    PCM16_8K,
    Audio,
    AudioFormat,
)
from voicecall.model.speech import SpeechEvent, SpeechFinal, Utterance
from voicecall.sdk.stt import AudioSource, SttBackend, TranscriptSink
from voicecall.sdk.tts import AudioSink, TtsBackend
from voicecall.sdk.vad import VadBackend, VadStream


class NoiseTts(TtsBackend):
    """80 ms of noise a character, in chunks of random sizes, slower than life if told to."""

    def __init__(
        self, format: AudioFormat = PCM16_8K, *, pace: float = 0.0, first_after: float = 0.0
    ) -> None:
        self.format = format
        self.pace = pace
        self.first_after = first_after
        self.failures: dict[str, Exception] = {}
        self.finished: list[str] = []

    def audio(self, text: str) -> bytes:
        rng = np.random.default_rng(len(text))
        samples = rng.integers(-12000, 12000, int(len(text) * 0.08 * self.format.rate))
        if self.format == MULAW_8K:
            return g711.mulaw_encode(samples.astype(np.int16))
        return samples.astype("<i2").tobytes()

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        if utterance.text in self.failures:
            raise self.failures[utterance.text]
        data, chance = self.audio(utterance.text), random.Random(utterance.text)
        await anyio.sleep(self.first_after)
        while data:
            size = 2 * chance.randint(1, 900)
            piece, data = data[:size], data[size:]
            audio = Audio(data=piece, format=self.format)
            await anyio.sleep(audio.seconds * self.pace)
            await out.write(audio)
        self.finished.append(utterance.text)


class ToldStt(SttBackend):
    """Recognises what the test says, and keeps the audio that it was fed."""

    def __init__(self) -> None:
        self.fed = bytearray()
        self.frames: list[bytes] = []
        self.connections = 0
        self.lost: list[SpeechError] = []
        self.stalled = anyio.Event()
        self.stalled.set()
        self.last_words: str | None = None
        self._cut = anyio.Event()
        self._events = Pipe()

    def lose(self, times: int, *, retryable: bool = True) -> None:
        """Fail the next connections."""
        self.lost += [SpeechError("gone", retryable=retryable) for _ in range(times)]

    def cut(self) -> None:
        """Lose the connection that there is."""
        self._cut.set()
        self._cut = anyio.Event()

    def hear(self, *events: SpeechEvent) -> None:
        for event in events:
            self._events.put(event)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        self.connections += 1
        if self.lost:
            raise self.lost.pop(0)
        cut = self._cut
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell, out)
            async for frame in audio:
                await self.stalled.wait()
                if cut.is_set():
                    break
                self.frames.append(frame)
                self.fed += frame
            tasks.cancel_scope.cancel()
        if cut.is_set():
            raise SpeechError("cut", retryable=True)
        if self.last_words is not None:
            await out.write(SpeechFinal(text=self.last_words))

    async def _tell(self, out: TranscriptSink) -> None:
        async for event in self._events:
            await out.write(event)


class LoudVad(VadBackend):
    """Whatever is not silent is speech."""

    class Stream(VadStream):
        def is_speech(self, frame: bytes) -> bool:
            if len(frame) != 320:
                raise ValueError(f"a frame has 320 bytes, not {len(frame)}")
            return any(frame)

    def stream(self) -> VadStream:
        return self.Stream()


class Pipe:
    """Items from one task to another, without bound, until it is closed."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._changed = anyio.Event()
        self.closed = False

    def put(self, item: Any) -> None:
        self._items.append(item)
        self._changed.set()

    def close(self) -> None:
        self.closed = True
        self._changed.set()

    def __aiter__(self) -> Pipe:
        return self

    async def __anext__(self) -> Any:
        await anyio.lowlevel.checkpoint()
        while not self._items:
            if self.closed:
                raise StopAsyncIteration
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._items.popleft()


def in_virtual_time(main: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        with anyio.fail_after(600):
            await main()

    anyio.run(bounded, backend="trio", backend_options={"clock": MockClock(autojump_threshold=0)})


class Tools:
    """What tests need by name."""

    NoiseTts = NoiseTts
    ToldStt = ToldStt
    LoudVad = LoudVad
    Pipe = Pipe
    run = staticmethod(in_virtual_time)


@pytest.fixture
def tools() -> type[Tools]:
    """Virtual time and speech backends."""
    return Tools
