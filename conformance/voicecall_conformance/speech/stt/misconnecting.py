"""Which faults does an STT backend have with its vendor, and with connections that are lost?"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import anyio

from voicecall.sdk import AudioSource, SpeechError, SpeechEvent, SpeechFinal, TranscriptSink
from voicecall_conformance.speech.harness import PluginHarness, Trouble
from voicecall_conformance.speech.stt.mutant import OnlySteered, SttMutant, is_silent


class SkipsAFrame(OnlySteered):
    """Loses a frame at the beginning."""

    breaks = "stt.format"

    class Line:
        """Leaves out the second one."""

        def __init__(self, audio: AudioSource) -> None:
            self.audio = audio

        async def __aiter__(self) -> AsyncIterator[bytes]:
            number = 0
            async for frame in self.audio:
                number += 1
                if number != 2:
                    yield frame

    def line(self, audio: AudioSource) -> AudioSource:
        return self.Line(audio)


class Misjudging(SttMutant):
    """Raises the wrong error."""

    needs: Trouble

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return cls.needs in genuine.troubles

    def judge(self, error: SpeechError) -> None:
        """Change `error`."""

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        try:
            await self.inner.transcribe(audio, out)
        except SpeechError as error:
            self.judge(error)
            raise


class RetriesCredentials(Misjudging):
    """Would try wrong credentials again."""

    breaks = "stt.credentials"
    needs = Trouble.CREDENTIALS

    def judge(self, error: SpeechError) -> None:
        error.retryable |= "apiKey" in str(error)


class ForgetsTheKey(Misjudging):
    """Does not say what to set."""

    breaks = "stt.credentials"
    needs = Trouble.CREDENTIALS

    def judge(self, error: SpeechError) -> None:
        error.args = (str(error).replace("apiKey", "it"),)


class GivesUp(Misjudging):
    """Takes "later" for "never", when there never was a connection."""

    breaks = "stt.retryable"
    needs = Trouble.RATE

    def judge(self, error: SpeechError) -> None:
        error.retryable &= "too often" not in str(error) and "rate" not in str(error)


class RetriesRefusals(Misjudging):
    """Takes "never" for "later"."""

    breaks = "stt.refused"
    needs = Trouble.REFUSED

    def judge(self, error: SpeechError) -> None:
        error.retryable |= "apiKey" not in str(error)


def logging_only(spec: Any, wanted: Callable[[logging.LogRecord], bool]) -> Any:
    """`spec`, of whose lines in the log only those that are `wanted` are written."""

    @asynccontextmanager
    async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
        context.logger.addFilter(wanted)
        try:
            async with spec.open(config, context) as inner:
                yield inner
        finally:
            context.logger.removeFilter(wanted)

    return replace(spec, open=opened)


class HearsOnQuietly(OnlySteered):
    """Replaces a connection without a word to anybody."""

    breaks = "stt.reconnects"

    @classmethod
    def twist(cls, spec: Any) -> Any:
        return logging_only(spec, lambda record: "error" not in record.__dict__)


class Hoards(OnlySteered):
    """Keeps all audio, however long the vendor is away."""

    breaks = "stt.away"
    limit: ClassVar[int | None] = None

    class Line:
        """Takes everything as it comes, and keeps so many frames."""

        def __init__(self, limit: int | None) -> None:
            self.frames: deque[bytes] = deque(maxlen=limit)
            self.over = False
            self.changed = anyio.Event()

        async def take(self, audio: AudioSource) -> None:
            """Take `audio` to its end."""
            async for frame in audio:
                self.frames.append(frame)
                self.changed.set()
            self.over = True
            self.changed.set()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                while self.frames:
                    yield self.frames.popleft()
                if self.over:
                    return
                self.changed = anyio.Event()
                await self.changed.wait()

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        line, failed = self.Line(self.limit), None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(line.take, audio)
            try:
                await self.inner.transcribe(line, out)
            except SpeechError as error:
                failed = error
            tasks.cancel_scope.cancel()
        if failed is not None:
            raise failed


class DropsInSecret(Hoards):
    """Keeps ten seconds of audio, and tells nobody what it dropped."""

    limit = 500


class ForgetsWhatIsNew(OnlySteered):
    """Keeps what it has while the vendor is away, and nothing that comes then."""

    breaks = "stt.away"

    class Line:
        """Ends after half a minute."""

        def __init__(self, audio: AudioSource) -> None:
            self.audio = audio

        async def __aiter__(self) -> AsyncIterator[bytes]:
            silent = 0
            async for frame in self.audio:
                silent = silent + 1 if is_silent(frame) else 0
                if silent > 150:
                    return
                yield frame

    def line(self, audio: AudioSource) -> AudioSource:
        return self.Line(audio)


class EndsQuietly(OnlySteered):
    """Takes a lost connection for the end of the audio."""

    breaks = "stt.gives-up"

    class Sink:
        """Knows whether anything came."""

        def __init__(self, out: TranscriptSink) -> None:
            self.out, self.began = out, False

        async def write(self, event: SpeechEvent) -> None:
            self.began = True
            await self.out.write(event)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        sink = self.Sink(out)
        try:
            await self.inner.transcribe(audio, sink)
        except SpeechError:
            if not sink.began:
                raise


class LeavesItHanging(OnlySteered):
    """Never ends what was begun when the vendor is gone."""

    breaks = "stt.gives-up"

    class Sink:
        """Keeps the last final back."""

        def __init__(self, out: TranscriptSink) -> None:
            self.out = out
            self.final: SpeechFinal | None = None

        async def write(self, event: SpeechEvent) -> None:
            await self.flush()
            if isinstance(event, SpeechFinal):
                self.final = event
            else:
                await self.out.write(event)

        async def flush(self) -> None:
            """Write what was kept back."""
            if self.final is not None:
                final, self.final = self.final, None
                await self.out.write(final)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        sink = self.Sink(out)
        await self.inner.transcribe(audio, sink)
        await sink.flush()


class CountsNothing(OnlySteered):
    """Passes over what it cannot read, and tells nobody how much."""

    breaks = "stt.unreadable"

    @classmethod
    def twist(cls, spec: Any) -> Any:
        return logging_only(spec, lambda record: "skipped" not in record.__dict__)
