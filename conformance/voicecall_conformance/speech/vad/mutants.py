"""Which faults does a voice-activity detector have?"""

from __future__ import annotations

from typing import Any

import numpy as np

from voicecall.sdk import PluginContext, VadBackend, VadStream
from voicecall_conformance.speech.mutants import Mutant, infect, package_mutants
from voicecall_conformance.speech.vad.rig import rms

__all__ = ["MUTANTS", "infect"]


class VadMutant(Mutant, VadBackend):
    """A detector that finds what the one inside finds."""

    class Stream(VadStream):
        """One stream of it."""

        def __init__(self, inner: VadStream) -> None:
            self.inner = inner
            self.shown = 0

        def is_speech(self, frame: bytes) -> bool:
            found = self.inner.is_speech(frame)
            self.shown += 1
            return self.instead(found, frame)

        def instead(self, found: bool, frame: bytes) -> bool:
            """What is answered for `found`."""
            return found

    def __init__(self, inner: VadBackend, context: PluginContext) -> None:
        self.inner = inner

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        return cls(inner, context)

    def stream(self) -> VadStream:
        return self.Stream(self.inner.stream())


class HearsLate(VadMutant):
    """Wants to be sure for a quarter of a second."""

    breaks = "vad.voice"

    class Stream(VadMutant.Stream):
        """Counts."""

        sure = 0

        def instead(self, found: bool, frame: bytes) -> bool:
            self.sure = self.sure + 1 if found else 0
            return self.sure > 12


class IsDeafToTheQuiet(VadMutant):
    """Hears who shouts."""

    breaks = "vad.voice"

    class Stream(VadMutant.Stream):
        """Measures."""

        def instead(self, found: bool, frame: bytes) -> bool:
            return found and rms(frame) > 1000


class HoldsOn(VadMutant):
    """Hears a voice for half a second more."""

    breaks = "vad.pauses"

    class Stream(VadMutant.Stream):
        """Counts down."""

        left = 0

        def instead(self, found: bool, frame: bytes) -> bool:
            self.left = 26 if found else max(0, self.left - 1)
            return self.left > 0


class HearsOnce(VadMutant):
    """Sleeps once somebody has spoken."""

    breaks = "vad.pauses"

    class Stream(VadMutant.Stream):
        """Falls asleep in the first long pause."""

        spoke = False
        pause = 0

        def instead(self, found: bool, frame: bytes) -> bool:
            self.spoke |= found
            self.pause = 0 if found and self.pause < 30 else self.pause + self.spoke
            return found and self.pause < 30


class HearsGhosts(VadMutant):
    """Finds a voice in silence, now and then."""

    breaks = "vad.silence"

    class Stream(VadMutant.Stream):
        """Now and then."""

        def instead(self, found: bool, frame: bytes) -> bool:
            return found or (self.shown % 97 == 0 and not any(frame))


class IsEager(VadMutant):
    """Takes for a voice what is not silence."""

    breaks = "vad.noise"

    class Stream(VadMutant.Stream):
        """Measures."""

        def instead(self, found: bool, frame: bytes) -> bool:
            return found or 50 < rms(frame) < 200


class LikesMusic(VadMutant):
    """Takes for a voice what has a pitch."""

    breaks = "vad.sounds"

    class Stream(VadMutant.Stream):
        """Looks at the spectrum."""

        def instead(self, found: bool, frame: bytes) -> bool:
            spectrum = np.abs(np.fft.rfft(np.frombuffer(frame, "<i2").astype(np.float64)))
            return found or bool(spectrum.max() > 6 * spectrum.mean() > 6000)


class FillsUp(VadMutant):
    """Makes frames of any length as long as they should be."""

    breaks = "vad.length"

    class Stream(VadMutant.Stream):
        """Fills up, cuts off."""

        def is_speech(self, frame: bytes) -> bool:
            return super().is_speech(frame[:320].ljust(320, b"\0"))


class Counts(VadMutant):
    """Answers with a number."""

    breaks = "vad.any"

    class Stream(VadMutant.Stream):
        """One or none."""

        def instead(self, found: bool, frame: bytes) -> bool:
            return int(found)  # type: ignore[return-value]


class TrustsTheLoudest(VadMutant):
    """Divides by what it finds."""

    breaks = "vad.any"

    class Stream(VadMutant.Stream):
        """Looks at the samples."""

        def instead(self, found: bool, frame: bytes) -> bool:
            if rms(frame) > 32000:
                raise OverflowError("too loud")
            return found


class Remembers(VadMutant):
    """Has one network for all streams."""

    breaks = "vad.apart"

    def stream(self) -> VadStream:
        if not hasattr(self, "only"):
            self.only = self.inner.stream()
        return self.Stream(self.only)


class LosesInterest(VadMutant):
    """Listens less closely with every stream."""

    breaks = "vad.apart"
    streams = 0

    def stream(self) -> VadStream:
        self.streams += 1
        stream = self.Stream(self.inner.stream())
        late = self.streams > 2
        if late:
            stream.instead = lambda found, frame: found and stream.shown % 20 > 0  # type: ignore[method-assign]
        return stream


MUTANTS: tuple[type[Mutant], ...] = (
    HearsLate,
    IsDeafToTheQuiet,
    HoldsOn,
    HearsOnce,
    HearsGhosts,
    IsEager,
    LikesMusic,
    FillsUp,
    Counts,
    TrustsTheLoudest,
    Remembers,
    LosesInterest,
    *package_mutants("vad"),
)
