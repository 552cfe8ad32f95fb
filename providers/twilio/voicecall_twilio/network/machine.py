"""Who answered: a human or a machine? And when may a message be left?

https://www.twilio.com/docs/voice/answering-machine-detection
"""

from __future__ import annotations

import anyio

from voicecall.sdk import Clock

ANALYSIS_SECONDS = 2.0
SILENCE_SECONDS = 2.0
"""How long a machine is silent after its greeting until no tone is expected any more."""


class MachineDetection:
    """Judges one call, once.

    Args:
        to_the_end: ``DetectMessageEnd``: waits until a message may be left.
        is_machine: the truth.
        timeout: how long it tries, in call seconds.
    """

    def __init__(self, *, to_the_end: bool, is_machine: bool, timeout: float, clock: Clock) -> None:
        self.answered_by: str | None = None
        self._to_the_end = to_the_end
        self._is_machine = is_machine
        self._timeout = timeout
        self._clock = clock
        self._milliseconds = 0
        self._greeted = anyio.Event()
        self._beeped = anyio.Event()

    @property
    def result(self) -> dict[str, str]:
        """What Twilio tells, once it knows."""
        if self.answered_by is None:
            return {}
        return {
            "AnsweredBy": self.answered_by,
            "MachineDetectionDuration": str(self._milliseconds),
        }

    def said(self) -> None:
        """Whoever answered has said something."""
        self._greeted.set()

    def beeped(self) -> None:
        """The tone has sounded."""
        self._beeped.set()
        self._greeted.set()

    async def run(self) -> None:
        """Listen until it is clear."""
        begun = self._clock.now()
        await self._clock.sleep(ANALYSIS_SECONDS)
        if not self._is_machine:
            answered_by = "human"
        elif not self._to_the_end:
            answered_by = "machine_start"
        else:
            answered_by = await self._end_of_greeting()
        self._milliseconds = round((self._clock.now() - begun) * 1000)
        self.answered_by = answered_by

    async def _end_of_greeting(self) -> str:
        with anyio.move_on_after((self._timeout - ANALYSIS_SECONDS) / self._clock.scale):
            await self._greeted.wait()
            with anyio.move_on_after(SILENCE_SECONDS / self._clock.scale):
                await self._beeped.wait()
            return "machine_end_beep" if self._beeped.is_set() else "machine_end_silence"
        return "unknown"
