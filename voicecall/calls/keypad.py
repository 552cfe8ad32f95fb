"""When is an answer on the keypad complete? At ``#``, or when no further key follows soon."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from voicecall.calls.control import CallControl
from voicecall.sdk.clock import Clock

NEXT_KEY_SECONDS = 1.5
"""How long, in call seconds, a key waits for the next one."""
LAST_KEY = "#"


class Keypad:
    """Joins keys that are told one at a time.

    Args:
        call: runs the wait for the next key.
        clock: paces the caller's fingers.
        answered: gets the keys of a complete answer, without the ``#`` at its end.
    """

    def __init__(self, call: CallControl, clock: Clock, answered: Callable[[str], None]) -> None:
        self._call = call
        self._clock = clock
        self._answered = answered
        self._keys = ""
        self._waiting = anyio.CancelScope()

    def press(self, digits: str) -> None:
        """The caller pressed `digits`."""
        self._waiting.cancel()
        self._keys += digits
        if self._keys.endswith(LAST_KEY):
            self._finish()
            return
        self._waiting = anyio.CancelScope()
        self._call.spawn(self._wait, self._waiting)

    def clear(self) -> None:
        """What was pressed belongs to no answer any more."""
        self._waiting.cancel()
        self._keys = ""

    async def _wait(self, waiting: anyio.CancelScope) -> None:
        with waiting:
            await self._clock.sleep(NEXT_KEY_SECONDS)
            self._finish()

    def _finish(self) -> None:
        keys, self._keys = self._keys, ""
        self._answered(keys.removesuffix(LAST_KEY) or keys)
