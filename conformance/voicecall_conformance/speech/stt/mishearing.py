"""Which faults does an STT backend have in what it hears and tells?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import anyio

from voicecall.sdk import (
    AudioSource,
    SpeechBegan,
    SpeechError,
    SpeechEvent,
    SpeechFinal,
    SpeechPartial,
    TranscriptSink,
)
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.stt.harness import SAID_TEXTS
from voicecall_conformance.speech.stt.mutant import Meddling, SttMutant, is_silent


class LosesAWord(Meddling):
    """Hears the last word of nobody."""

    breaks = "stt.hears"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if isinstance(event, SpeechFinal):
            event = replace(event, text=event.text.rpartition(" ")[0])
        yield event


class SaysItTwice(Meddling):
    """Gives a final twice."""

    breaks = "stt.hears"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        yield event
        if isinstance(event, SpeechFinal):
            yield SpeechBegan()
            yield event


class ForgetsToBegin(Meddling):
    """Does not say that somebody speaks."""

    breaks = "stt.order"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if not isinstance(event, SpeechBegan):
            yield event


class LagsBehind(Meddling):
    """Tells a partial after its final."""

    breaks = "stt.order"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        yield event
        if isinstance(event, SpeechFinal):
            yield SpeechPartial(text=event.text)


class KeepsItToItself(Meddling):
    """Tells nothing before it is over."""

    breaks = "stt.partials"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(getattr(genuine, "partials", False))

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if not isinstance(event, SpeechPartial):
            yield event


class Stammers(KeepsItToItself):
    """Tells every partial twice."""

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        yield event
        if isinstance(event, SpeechPartial):
            yield event


class HearsGhosts(SttMutant):
    """Hears somebody breathe after a second in which nobody says anything."""

    breaks = "stt.quiet"

    class Line:
        """Notices whether there is anything but silence."""

        def __init__(self, audio: AudioSource) -> None:
            self.audio, self.frames, self.quiet = audio, 0, True

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for frame in self.audio:
                self.frames += 1
                self.quiet &= is_silent(frame)
                yield frame

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        line = self.Line(audio)
        await self.inner.transcribe(line, out)
        if line.quiet and line.frames > 50:
            await out.write(SpeechBegan())
            await out.write(SpeechFinal(text=""))


class LeavesItOpen(SttMutant):
    """Never ends what the end of the audio cut off."""

    breaks = "stt.ends"

    class Line:
        """Notices whether the end came in the middle of something."""

        def __init__(self, audio: AudioSource) -> None:
            self.audio, self.last = audio, b""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for frame in self.audio:
                self.last = frame
                yield frame

    class Sink:
        """Passes no final on while somebody speaks."""

        def __init__(self, line: LeavesItOpen.Line, out: TranscriptSink) -> None:
            self.line, self.out = line, out

        async def write(self, event: SpeechEvent) -> None:
            if is_silent(self.line.last) or not isinstance(event, SpeechFinal):
                await self.out.write(event)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        line = self.Line(audio)
        await self.inner.transcribe(line, self.Sink(line, out))


class CannotTell(Meddling):
    """Believes that the caller has been silent for ever."""

    breaks = "stt.times"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if isinstance(event, SpeechFinal):
            event = replace(event, speech_ended_ago=event.speech_ended_ago + 2)
        yield event


class IsTooSure(Meddling):
    """Counts confidence in per cent."""

    breaks = "stt.times"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if isinstance(event, SpeechFinal):
            event = replace(event, confidence=93.0)
        yield event


class Crowds(SttMutant):
    """Writes an event while the last one is still being taken."""

    breaks = "stt.patient"

    class Sink:
        """Looks whether there is still room, and says so."""

        def __init__(self, out: TranscriptSink) -> None:
            self.out = out

        async def write(self, event: SpeechEvent) -> None:
            if not isinstance(event, SpeechBegan):
                await self.out.write(event)
                return
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.out.write, event)
                tasks.start_soon(self.out.write, SpeechPartial(text="Hm"))

    def sink(self, out: TranscriptSink) -> TranscriptSink:
        return self.Sink(out)


class CannotStop(SttMutant):
    """Hears on until the audio is over."""

    breaks = "stt.cancel"

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        with anyio.CancelScope(shield=True):
            await self.inner.transcribe(audio, out)


class Muddles(SttMutant):
    """Tells whoever came last."""

    breaks = "stt.unmixed"

    class Sink:
        """Where the last one listens."""

        def __init__(self, mutant: Muddles) -> None:
            self.mutant = mutant

        async def write(self, event: SpeechEvent) -> None:
            await self.mutant.out.write(event)

    out: TranscriptSink

    def sink(self, out: TranscriptSink) -> TranscriptSink:
        self.out = out
        return self.Sink(self)


class QuotesTheCaller(SttMutant):
    """Tells what it could not hear."""

    breaks = "stt.silent"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(genuine.troubles)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        try:
            await self.inner.transcribe(audio, out)
        except SpeechError as error:
            error.args = (f"{error}; they said {SAID_TEXTS[0]}",)
            raise


class LogsTheText(Meddling):
    """Notes what it hears."""

    breaks = "stt.silent"

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        if isinstance(event, SpeechFinal):
            self.context.logger.debug("heard %r", event.text)
        yield event
