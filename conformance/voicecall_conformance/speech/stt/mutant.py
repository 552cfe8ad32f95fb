"""What is a faulty STT backend? A genuine one, with something in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from voicecall.sdk import AudioSource, PluginContext, SpeechEvent, SttBackend, TranscriptSink
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.mutants import Mutant


def is_silent(frame: bytes) -> bool:
    """Whether `frame` is digital silence, as µ-law or PCM."""
    return set(frame) <= {0xFF} or not any(frame)


class SttMutant(Mutant, SttBackend):
    """An STT backend that hears as the one inside."""

    def __init__(self, inner: SttBackend, context: PluginContext) -> None:
        self.inner = inner
        self.context = context

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        return cls(inner, context)

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        await self.inner.transcribe(self.line(audio), self.sink(out))

    def line(self, audio: AudioSource) -> AudioSource:
        """Instead of `audio`."""
        return audio

    def sink(self, out: TranscriptSink) -> TranscriptSink:
        """Before `out`."""
        return out


class OnlySteered(SttMutant):
    """A fault that shows where the vendor can be told how to behave."""

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(getattr(genuine, "steers", False))


class Meddling(SttMutant):
    """Changes events on their way."""

    class Sink:
        """Before the true one."""

        def __init__(self, mutant: Meddling, out: TranscriptSink) -> None:
            self.mutant, self.out = mutant, out

        async def write(self, event: SpeechEvent) -> None:
            for each in self.mutant.instead(event):
                await self.out.write(each)

    def sink(self, out: TranscriptSink) -> TranscriptSink:
        return self.Sink(self, out)

    def instead(self, event: SpeechEvent) -> Iterator[SpeechEvent]:
        """What is written for `event`."""
        yield event
