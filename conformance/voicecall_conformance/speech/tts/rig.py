"""How does a rule listen to a TTS backend? With a sink that takes notice, and can take its time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from voicecall.sdk import Audio, SpeechError, Utterance
from voicecall_conformance.rules import RuleBroken, equal, hold
from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.noting import Noting
from voicecall_conformance.speech.rig import PluginRig, open_rig
from voicecall_conformance.speech.tts.harness import SPOKEN_TEXT, TtsHarness

TEXT = SPOKEN_TEXT
SAME = 0.05
"""By how many seconds two renderings of one text may differ where they are not exact."""


class Listener(Noting[Audio]):
    """An `AudioSink`."""

    @property
    def data(self) -> bytes:
        """Everything that was heard."""
        return b"".join(piece.data for piece in self.parts)

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return sum(piece.seconds for piece in self.parts)


class TtsRig(PluginRig):
    """One open TTS backend."""

    harness: TtsHarness

    async def say(self, text: str, listener: Listener | None = None) -> Listener:
        """Have `text` spoken, to its end."""
        listener = Listener() if listener is None else listener
        await self.live.synthesize(Utterance(text=text), listener)
        self.note(text, listener)
        return listener

    def note(self, text: str, listener: Listener) -> None:
        """Keep what came, for the report of a broken rule."""
        sizes = [len(piece.data) for piece in listener.parts[:12]]
        told = f"{len(listener.parts)} pieces, {listener.seconds:.3f} s, sizes {sizes}"
        self.wire.append(f"said    {text!r}\n  {told}")

    async def works(self, live: Any) -> None:
        """Have another one speak."""
        listener = Listener()
        await live.synthesize(Utterance(text=TEXT), listener)
        hold(bool(listener.parts), "it made no audio")

    async def meet(self, trouble: Trouble) -> SpeechError:
        """The error that `trouble` becomes; no audio came before it."""
        self.harness.fail(trouble)
        listener = Listener()
        error = await self.failing(listener, f"speaking while the vendor says {trouble}")
        equal(f"{trouble}: pieces before the error", len(listener.parts), 0)
        return error

    async def failing(self, listener: Listener, what: str) -> SpeechError:
        """Speak; the error, which there must be."""
        return await self.raises(SpeechError, what, lambda: self.say(TEXT, listener))

    def alike(self, what: str, got: bytes, wanted: bytes) -> None:
        """The same audio, byte by byte."""
        hold(got == wanted, f"{what}: {_differ(got, wanted)}")

    def same(self, what: str, got: Listener, wanted: Listener) -> None:
        """Both must have heard the same."""
        if self.harness.exact:
            self.alike(what, got.data, wanted.data)
        elif abs(got.seconds - wanted.seconds) > SAME:
            raise RuleBroken(f"{what}: {got.seconds:.3f} s, wanted {wanted.seconds:.3f} s")


def _differ(got: bytes, wanted: bytes) -> str:
    pairs = enumerate(zip(got, wanted, strict=False))
    at = next((at for at, (one, other) in pairs if one != other), min(len(got), len(wanted)))
    return f"{len(got)} bytes, wanted {len(wanted)}; they differ from byte {at}"


@asynccontextmanager
async def tts_rig(harness: TtsHarness) -> AsyncIterator[TtsRig]:
    """`harness`'s backend, open."""
    rig = TtsRig(harness)
    async with open_rig(rig):
        yield rig
