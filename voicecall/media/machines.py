"""Did a person answer, or a machine? Told by the greeting's shape, where no carrier tells.

A machine begins at once and talks on without waiting for anybody, then beeps. A person says a
few words and waits. In doubt it is a person.
"""

from __future__ import annotations

from collections.abc import Callable

from voicecall.media.beep import BeepFinder
from voicecall.media.echo import EchoFinder
from voicecall.media.voice import VoiceMeter
from voicecall.model.carrier_events import MachineResult
from voicecall.model.media import FRAME_SECONDS, Audio, AudioFormat

AT_ONCE_SECONDS = 2.0
"""A greeting begins so soon after the answer; what comes later is an answer to us."""
MONOLOGUE_SECONDS = 6.0
"""So much voice without a pause is no "hello", and more than one sentence."""
PAUSE_SECONDS = 1.0
"""Who is quiet for so long waits for an answer, or has gone silent to record."""
NOBODY_SECONDS = 5.0
"""Nobody greets us: no more is known."""
LATE_BEEP_SECONDS = 3.0
"""A beep so soon after a short greeting still makes it a machine's."""
RECORDING_SECONDS = 2.5
"""A machine that is quiet for so long after its greeting records, though no beep was heard."""
ANSWERABLE_SECONDS = 1.0
"""Nobody answers at length what we have said in less time."""
NOISE_SECONDS = 0.1
"""A shorter voice is a click on the line."""


class GreetingShape:
    """The decision, one 20 ms step after the other; pure."""

    def __init__(self) -> None:
        self.over = False
        self.result: MachineResult | None = None
        self._at = 0.0
        self._began: float | None = None
        self._voiced = 0.0
        self._quiet = 0.0
        self._decided_at = 0.0

    def step(self, *, voice: bool, beep: bool, answered_us: bool) -> MachineResult | None:
        """What is known from now on; None: nothing new.

        Args:
            voice: whether they speak.
            beep: whether a beep ended.
            answered_us: whether they may answer us: we have said something and are silent.
        """
        self._at += FRAME_SECONDS
        if self.over:
            return None
        if beep:
            return self._end(MachineResult.BEEP)
        self._quiet = 0.0 if voice else self._quiet + FRAME_SECONDS
        if self.result is None:
            return self._judge(voice, answered_us)
        if self.result is MachineResult.MACHINE:
            return self._end(MachineResult.BEEP) if self._quiet >= RECORDING_SECONDS else None
        self.over = self._at - self._decided_at >= LATE_BEEP_SECONDS
        return None

    def _judge(self, voice: bool, answered_us: bool) -> MachineResult | None:
        if voice:
            if self._began is None:
                self._began = self._at
                if answered_us or self._at > AT_ONCE_SECONDS:
                    return self._decide(MachineResult.HUMAN)
            self._voiced += FRAME_SECONDS
            if self._voiced >= MONOLOGUE_SECONDS:
                return self._decide(MachineResult.MACHINE)
        elif self._began is not None and self._quiet >= PAUSE_SECONDS:
            if self._voiced >= NOISE_SECONDS:
                return self._decide(MachineResult.HUMAN)
            self._began, self._voiced = None, 0.0
        elif self._began is None and self._at >= NOBODY_SECONDS:
            return self._decide(MachineResult.UNKNOWN)
        return None

    def _decide(self, result: MachineResult) -> MachineResult:
        self.result, self._decided_at = result, self._at
        return result

    def _end(self, result: MachineResult) -> MachineResult:
        self.over = True
        return self._decide(result)


class MachineEar:
    """A `Tap` on the first stream of a call that we placed.

    Args:
        format: of what we play.
        tell: is told what is known; must not wait.
    """

    def __init__(self, format: AudioFormat, tell: Callable[[MachineResult], None]) -> None:
        self._tell = tell
        self._shape = GreetingShape()
        self._echo = EchoFinder(format)
        self._ears: tuple[BeepFinder, VoiceMeter] | None = None
        self._unheard = b""
        self._said = 0.0
        self._silent_from = 0.0

    def caller(self, audio: Audio, at: float) -> None:
        """The other side's audio, arrived at `at`."""
        if self._shape.over:
            return
        if self._ears is None:
            self._ears = BeepFinder(audio.format), VoiceMeter(audio.format, None, self._echo)
        self._unheard += audio.data
        size = audio.format.frame_bytes
        while len(self._unheard) >= size:
            frame, self._unheard = self._unheard[:size], self._unheard[size:]
            self._step(frame, at, *self._ears)

    def _step(self, frame: bytes, at: float, beeps: BeepFinder, meter: VoiceMeter) -> None:
        meter.hear(frame, at)
        answered_us = self._said >= ANSWERABLE_SECONDS and at >= self._silent_from
        voice, beep = meter.seconds > 0, beeps.hear(frame)
        result = self._shape.step(voice=voice, beep=beep, answered_us=answered_us)
        if result is not None:
            self._tell(result)

    def us(self, audio: Audio, at: float) -> None:
        """Our audio, in their ear from `at` on."""
        if not self._shape.over:
            self._echo.played(audio.data, at)
            seconds = len(audio.data) / audio.format.bytes_per_second
            self._said += seconds
            self._silent_from = at + seconds

    def cleared(self, at: float) -> None:
        """What of ours was to be heard after `at` was not."""
        self._silent_from = min(self._silent_from, at)
