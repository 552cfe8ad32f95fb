"""How does a rule speak to an STT backend? Over a bounded line, as the kernel does."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel

from voicecall.media.counters import MediaCounters
from voicecall.media.hearing import AudioQueue
from voicecall.sdk import (
    AudioFormat,
    SpeechBegan,
    SpeechError,
    SpeechEvent,
    SpeechFinal,
    SpeechPartial,
)
from voicecall_conformance.rules import equal, hold
from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.noting import Noting
from voicecall_conformance.speech.rig import AT_ONCE_SECONDS, PluginRig, open_rig
from voicecall_conformance.speech.sounds import quiet
from voicecall_conformance.speech.stt.harness import SAID_TEXTS, SttHarness

PAUSE_SECONDS = 1.0
"""Silence after what was said; it ends the utterance."""
PATIENT_SECONDS = 600.0


class Line(AudioQueue):
    """An `AudioSource` as the kernel's: bounded, the oldest is dropped and counted.

    Args:
        format: of what is said.
        limit_seconds: how much may wait.
    """

    def __init__(self, format: AudioFormat, limit_seconds: float = PATIENT_SECONDS) -> None:
        self._kept = MediaCounters()
        super().__init__(
            source=format, target=format, limit_seconds=limit_seconds, counters=self._kept
        )

    @property
    def dropped_seconds(self) -> float:
        """How much nobody took in time."""
        return self._kept.dropped_audio_ms / 1000

    def say(self, frames: Sequence[bytes]) -> None:
        """Somebody says this."""
        for frame in frames:
            self.push(frame)


class Transcript(Noting[SpeechEvent]):
    """A `TranscriptSink`."""

    def __init__(self, room: int | None = None) -> None:
        super().__init__(room)
        self._more = anyio.Event()

    async def write(self, part: SpeechEvent) -> None:
        """Take notice."""
        await super().write(part)
        self._more.set()
        self._more = anyio.Event()

    @property
    def finals(self) -> list[SpeechFinal]:
        """The finals so far."""
        return [event for event in self.parts if isinstance(event, SpeechFinal)]

    @property
    def texts(self) -> list[str]:
        """What the finals say, as `letters`."""
        return [letters(final.text) for final in self.finals]

    @property
    def partials(self) -> list[str]:
        """What the partials say."""
        return [event.text for event in self.parts if isinstance(event, SpeechPartial)]

    async def comes_to(self, finals: int) -> None:
        """So many finals must come soon."""
        with anyio.move_on_after(AT_ONCE_SECONDS):
            while len(self.finals) < finals:
                await self._more.wait()
        hold(len(self.finals) >= finals, f"{len(self.finals)} finals, wanted {finals}, at once")


class SttRig(PluginRig):
    """One open STT backend."""

    harness: SttHarness

    def __init__(self, harness: SttHarness) -> None:
        super().__init__(harness)
        self.format: AudioFormat = self.spec.input_format
        self.counted: dict[str, float] = {}
        """Numbers that came with lines of the log, the last of each name."""

    async def said(self, *texts: str) -> list[bytes]:
        """Frames of each text, with a pause after it."""
        pause = quiet(self.format, PAUSE_SECONDS)
        return [frame for text in texts for frame in (*await self.harness.speech(text), *pause)]

    async def whole(self, *texts: str) -> Line:
        """A line on which `texts` are said, and no more."""
        line = Line(self.format)
        line.say(await self.said(*texts))
        line.close()
        return line

    async def hear(self, line: Line, out: Transcript | None = None) -> Transcript:
        """Have what is said on `line` recognised, to its end."""
        out = Transcript() if out is None else out
        try:
            await self.live.transcribe(line, out)
        finally:
            self.note(out)
        return out

    async def works(self, live: Any) -> None:
        """Have another one listen."""
        out, line = Transcript(), await self.whole(SAID_TEXTS[0])
        await anyio.lowlevel.checkpoint()
        await live.transcribe(line, out)
        equal("what it heard", out.texts, [letters(SAID_TEXTS[0])])

    def note(self, out: Transcript) -> None:
        """Keep what came, for the report of a broken rule."""
        self.wire += [f"heard   {event!r}" for event in out.parts[-12:]]

    def heard(self, out: Transcript, *texts: str) -> None:
        """`out` must be a transcript of exactly `texts`."""
        equal("what was heard", out.texts, [letters(text) for text in texts])
        in_order(out)

    async def meet(self, trouble: Trouble) -> SpeechError:
        """The error that `trouble` becomes; no event came before it."""
        self.harness.fail(trouble)
        out, line = Transcript(), await self.whole(SAID_TEXTS[0])
        what = f"listening while the vendor says {trouble}"
        error = await self.raises(SpeechError, what, lambda: self.hear(line, out))
        equal(f"{trouble}: events before the error", out.parts, [])
        return error


class _Counting(logging.Handler):
    """Keeps the numbers that come with lines of the log."""

    def __init__(self, rig: SttRig) -> None:
        super().__init__(logging.DEBUG)
        self._rig = rig

    def emit(self, record: logging.LogRecord) -> None:
        for name, value in record.__dict__.items():
            if name in ("skipped", "lost_seconds"):
                self._rig.counted[name] = value


def letters(text: str) -> str:
    """`text` without case, blanks and punctuation: vendors write as they like."""
    return "".join(filter(str.isalnum, text.casefold()))


def in_order(out: Transcript) -> None:
    """Every utterance of `out` must begin, go on and end."""
    speaking = False
    for number, event in enumerate(out.parts):
        begins = isinstance(event, SpeechBegan)
        hold(begins is not speaking, f"event {number} is {event!r}, {speaking=}")
        speaking = not isinstance(event, SpeechFinal)
    hold(not speaking, "the last utterance has no final")


@asynccontextmanager
async def stt_rig(harness: SttHarness) -> AsyncIterator[SttRig]:
    """`harness`'s backend, open."""
    rig = SttRig(harness)
    async with open_rig(rig):
        counting = _Counting(rig)
        rig.context.logger.addHandler(counting)
        try:
            yield rig
        finally:
            rig.context.logger.removeHandler(counting)
