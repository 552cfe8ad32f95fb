"""Which timers of a call run? Each tells its call when it runs out, unless it was stopped."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from voicecall.calls.facts import Timer, TimerFired
from voicecall.sdk.clock import Clock


class Timers:
    """The timers of one call.

    Args:
        clock: call seconds.
        spawn: runs a timer as one of the call's tasks.
        fired: told when one ran out.
    """

    def __init__(
        self,
        clock: Clock,
        spawn: Callable[..., object],
        fired: Callable[[TimerFired], object],
    ) -> None:
        self._clock = clock
        self._spawn = spawn
        self._fired = fired
        self._scopes: dict[Timer, anyio.CancelScope] = {}

    def arm(self, timer: Timer, seconds: float) -> None:
        """Start `timer` anew with `seconds` call seconds."""
        self.disarm(timer)
        scope = self._scopes[timer] = anyio.CancelScope()
        self._spawn(self._run, timer, seconds, scope)

    def disarm(self, timer: Timer) -> None:
        """Stop `timer` if it runs."""
        scope = self._scopes.pop(timer, None)
        if scope is not None:
            scope.cancel()

    def take(self, timer: Timer) -> bool:
        """Whether `timer`, which says that it ran out, still counts; it is over now."""
        return self._scopes.pop(timer, None) is not None

    @property
    def armed(self) -> frozenset[Timer]:
        """The timers that run now."""
        return frozenset(self._scopes)

    async def _run(self, timer: Timer, seconds: float, scope: anyio.CancelScope) -> None:
        with scope:
            await self._clock.sleep(seconds)
            self._fired(TimerFired(timer=timer))
