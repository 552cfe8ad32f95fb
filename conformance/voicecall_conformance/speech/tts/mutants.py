"""Which faults does a TTS backend have?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio

from voicecall.sdk import Audio, AudioSink, PluginContext, SpeechError, TtsBackend, Utterance
from voicecall_conformance.speech.harness import PluginHarness, Trouble
from voicecall_conformance.speech.mutants import Mutant, infect, package_mutants
from voicecall_conformance.speech.tts.harness import TtsHarness

__all__ = ["MUTANTS", "infect"]


class TtsMutant(Mutant, TtsBackend):
    """A TTS backend that speaks as the one inside."""

    def __init__(self, inner: TtsBackend, context: PluginContext) -> None:
        self.inner = inner
        self.context = context

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        return cls(inner, context)

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        await self.inner.synthesize(utterance, out)


class Steered(TtsMutant):
    """Shows only with a vendor that does as it is told."""

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(getattr(genuine, "steers", False))


class Meddling(TtsMutant):
    """Changes audio on its way."""

    class Sink:
        """Before the true one."""

        def __init__(self, mutant: Meddling, out: AudioSink) -> None:
            self.mutant, self.out, self.number = mutant, out, -1

        async def write(self, audio: Audio) -> None:
            self.number += 1
            for piece in self.mutant.instead(audio, self.number):
                await self.out.write(piece)

    def instead(self, audio: Audio, number: int) -> Iterator[Audio]:
        """What is written for the piece `number`."""
        yield audio

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        await self.inner.synthesize(utterance, self.Sink(self, out))


class SkipsAudio(Meddling):
    """Speaks an eighth of what it is given."""

    breaks = "tts.speaks"

    def instead(self, audio: Audio, number: int) -> Iterator[Audio]:
        if number % 8 == 0:
            yield audio


class ChangesFormat(Meddling):
    """Says another rate in the middle."""

    breaks = "tts.format"

    def instead(self, audio: Audio, number: int) -> Iterator[Audio]:
        rate = audio.format.rate * (2 if number == 1 else 1)
        yield replace(audio, format=replace(audio.format, rate=rate))


class HandsOutScraps(Meddling):
    """Writes what it got, though it got nothing."""

    breaks = "tts.samples"

    def instead(self, audio: Audio, number: int) -> Iterator[Audio]:
        yield audio
        yield replace(audio, data=b"")


class ClipsTheBeginning(Meddling):
    """Loses ten milliseconds while it makes itself ready."""

    breaks = "tts.whole"

    def instead(self, audio: Audio, number: int) -> Iterator[Audio]:
        lost = audio.format.frame_bytes // 2 if number == 0 else 0
        if data := audio.data[lost:]:
            yield replace(audio, data=data)


class CutsLongTexts(TtsMutant):
    """Speaks as much as its vendor takes at once, and no more."""

    breaks = "tts.long"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        await self.inner.synthesize(replace(utterance, text=utterance.text[:1500]), out)


class EscapesMarkup(Steered):
    """Has markup read out as somebody else has to write it."""

    breaks = "tts.text"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        text = utterance.text.replace("<", "&lt;")
        await self.inner.synthesize(replace(utterance, text=text), out)


class ChokesOnHalfALetter(TtsMutant):
    """Takes it for granted that a text can be encoded."""

    breaks = "tts.text"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        utterance.text.encode()
        await self.inner.synthesize(utterance, out)


class WaitsForTheEnd(TtsMutant):
    """Writes everything at once when it has everything."""

    breaks = "tts.streams"

    class Sink:
        """Keeps it."""

        def __init__(self) -> None:
            self.pieces: list[Audio] = []

        async def write(self, audio: Audio) -> None:
            self.pieces.append(audio)

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        kept = self.Sink()
        try:
            await self.inner.synthesize(utterance, kept)
        finally:
            if kept.pieces:
                data = b"".join(piece.data for piece in kept.pieces)
                await out.write(replace(kept.pieces[0], data=data))


class Crowds(TtsMutant):
    """Writes the next piece while the last one is still being taken."""

    breaks = "tts.patient"

    class Sink:
        """Writes two pieces at once."""

        def __init__(self, out: AudioSink) -> None:
            self.out = out

        async def write(self, audio: Audio) -> None:
            half = len(audio.data) // 4 * 2
            parts = [part for part in (audio.data[:half], audio.data[half:]) if part]
            async with anyio.create_task_group() as tasks:
                for part in parts:
                    tasks.start_soon(self.out.write, replace(audio, data=part))

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        await self.inner.synthesize(utterance, self.Sink(out))


class CannotStop(TtsMutant):
    """Finishes what it began."""

    breaks = "tts.cancel"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        with anyio.CancelScope(shield=True):
            await self.inner.synthesize(utterance, out)


class Muddles(TtsMutant):
    """Speaks to whoever asked last."""

    breaks = "tts.unmixed"

    class Sink:
        """Where the last one listens."""

        def __init__(self, mutant: Muddles) -> None:
            self.mutant = mutant

        async def write(self, audio: Audio) -> None:
            await self.mutant.out.write(audio)

    out: AudioSink

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        self.out = out
        await self.inner.synthesize(utterance, self.Sink(self))


class SpeaksBlanks(TtsMutant):
    """Says something where there is nothing to say."""

    breaks = "tts.blank"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        text = utterance.text if utterance.text.strip() else "Hm."
        await self.inner.synthesize(replace(utterance, text=text), out)


class Misjudging(TtsMutant):
    """Raises the wrong error when speaking fails."""

    needs: Trouble

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return cls.needs in genuine.troubles

    def judge(self, error: SpeechError) -> None:
        """Change `error`."""

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        try:
            await self.inner.synthesize(utterance, out)
        except SpeechError as error:
            self.judge(error)
            raise


class RetriesCredentials(Misjudging):
    """Would try wrong credentials again."""

    breaks = "tts.credentials"
    needs = Trouble.CREDENTIALS

    def judge(self, error: SpeechError) -> None:
        error.retryable |= "apiKey" in str(error)


class ForgetsTheKey(Misjudging):
    """Does not say what to set."""

    breaks = "tts.credentials"
    needs = Trouble.CREDENTIALS

    def judge(self, error: SpeechError) -> None:
        error.args = (str(error).replace("apiKey", "it"),)


class GivesUp(Misjudging):
    """Takes "later" for "never"."""

    breaks = "tts.retryable"
    needs = Trouble.RATE

    def judge(self, error: SpeechError) -> None:
        error.retryable = False


class RetriesRefusals(Misjudging):
    """Takes "never" for "later"."""

    breaks = "tts.refused"
    needs = Trouble.REFUSED

    def judge(self, error: SpeechError) -> None:
        error.retryable |= "apiKey" not in str(error)


class EndsQuietly(Steered):
    """Takes a lost connection for the end."""

    breaks = "tts.cut"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        sink = Meddling.Sink(Meddling(self.inner, self.context), out)
        try:
            await self.inner.synthesize(utterance, sink)
        except SpeechError:
            if sink.number < 0:
                raise


class BeginsAgain(Steered):
    """Speaks the text once more when it was cut."""

    breaks = "tts.cut"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        sink = Meddling.Sink(Meddling(self.inner, self.context), out)
        try:
            await self.inner.synthesize(utterance, sink)
        except SpeechError:
            if sink.number >= 0:
                await self.inner.synthesize(utterance, out)
            raise


class WaitsForEver(TtsMutant):
    """Has all the time of the world."""

    breaks = "tts.waits"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return isinstance(genuine, TtsHarness) and genuine.impatient() is not None

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        return {"impatient": genuine.spec}


class QuotesTheText(TtsMutant):
    """Tells what it could not say."""

    breaks = "tts.silent"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return bool(genuine.troubles)

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        try:
            await self.inner.synthesize(utterance, out)
        except SpeechError as error:
            error.args = (f"{error}; the text was {utterance.text}",)
            raise


class LogsTheText(TtsMutant):
    """Notes what it says."""

    breaks = "tts.silent"

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        self.context.logger.debug("speaking %r", utterance.text)
        await self.inner.synthesize(utterance, out)


MUTANTS: tuple[type[Mutant], ...] = (
    SkipsAudio,
    ChangesFormat,
    HandsOutScraps,
    ClipsTheBeginning,
    CutsLongTexts,
    EscapesMarkup,
    ChokesOnHalfALetter,
    WaitsForTheEnd,
    Crowds,
    CannotStop,
    Muddles,
    SpeaksBlanks,
    RetriesCredentials,
    ForgetsTheKey,
    GivesUp,
    RetriesRefusals,
    EndsQuietly,
    BeginsAgain,
    WaitsForEver,
    QuotesTheText,
    LogsTheText,
    *package_mutants("tts"),
)
