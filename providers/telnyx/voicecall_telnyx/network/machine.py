"""Who answered: a human or a machine? And when may a message be left?

developers.telnyx.com, *Answering machine detection*.
"""

from __future__ import annotations

import anyio

from voicecall.sdk import Clock
from voicecall_telnyx.network.reporter import Reporter

ANALYSIS_SECONDS = 1.0
SILENCE_SECONDS = 2.0
"""How long a machine is silent after its greeting until no tone is expected any more."""
_AWAITS_GREETING = ("detect_beep", "greeting_end", "premium")


class MachineDetection:
    """Judges one call.

    Args:
        mode: ``answering_machine_detection`` of the order.
        is_machine: the truth.
    """

    def __init__(self, mode: str, *, is_machine: bool, report: Reporter, clock: Clock) -> None:
        self._mode = mode
        self._is_machine = is_machine
        self._report = report
        self._clock = clock
        self._greeted = anyio.Event()
        self._beeped = anyio.Event()

    def said(self) -> None:
        """Whoever answered has said something."""
        self._greeted.set()

    def beeped(self) -> None:
        """The tone has sounded."""
        self._beeped.set()
        self._greeted.set()

    async def run(self) -> None:
        """Tell what is found out."""
        if self._mode == "disabled":
            return
        premium = self._mode == "premium"
        part = "premium." if premium else ""
        if premium:
            self._report("call.machine.premium.detection.started")
        await self._clock.sleep(ANALYSIS_SECONDS)
        human = "human_residence" if premium else "human"
        result = "machine" if self._is_machine else human
        self._report(f"call.machine.{part}detection.ended", result=result)
        if self._is_machine and self._mode in _AWAITS_GREETING:
            await self._await_greeting(part)

    async def _await_greeting(self, part: str) -> None:
        await self._greeted.wait()
        with anyio.move_on_after(SILENCE_SECONDS / self._clock.scale):
            await self._beeped.wait()
        without = {"greeting_end": "ended", "premium": "no_beep_detected"}.get(self._mode)
        result = "beep_detected" if self._beeped.is_set() else without
        if result is not None:
            self._report(f"call.machine.{part}greeting.ended", result=result)
