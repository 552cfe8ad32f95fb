"""How often may we dial? So many calls an hour and a day, and one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from voicecall.config.schema import GuardSettings
from voicecall.errors import PolicyRefused
from voicecall.model.call import CallRecord, Direction
from voicecall.sdk.clock import Clock

HOUR = 3600.0
DAY = 24 * HOUR


class DialRate:
    """The rates of `outbound.guard`.

    Every intent to dial is in the store before the dialling, so counting from the store at the
    start is enough for a restart not to pass the caps.

    Args:
        guard: the caps.
        clock: dates for the caps, call seconds for the pace.
    """

    def __init__(self, guard: GuardSettings, clock: Clock) -> None:
        self._guard = guard
        self._clock = clock
        self._dialled: deque[float] = deque()
        self._next_at = 0.0

    def adopt(self, guard: GuardSettings) -> None:
        """Put other caps in force; what was dialled still counts."""
        self._guard = guard

    def remember(self, records: Iterable[CallRecord]) -> None:
        """Count the calls that earlier gateways dialled."""
        dialled = [each.started_at for each in records if each.direction is Direction.OUTBOUND]
        self._dialled = deque(sorted([*self._dialled, *dialled]))

    async def turn(self) -> None:
        """Take the next place in the queue of dials, and wait for it.

        Raises:
            PolicyRefused: `policy.rate`: a cap is reached, or the place is further away than
                `dialDeadlineSeconds`.
        """
        self._count()
        now = self._clock.now()
        at = max(now, self._next_at)
        if at - now > self._guard.dial_deadline_seconds:
            self._dialled.pop()
            raise _refused("the queue of dials is longer than outbound.guard.dialDeadlineSeconds")
        self._next_at = at + 1 / self._guard.calls_per_second
        await self._clock.sleep(at - now)

    def _count(self) -> None:
        now = self._clock.wall()
        while self._dialled and self._dialled[0] <= now - DAY:
            self._dialled.popleft()
        if len(self._dialled) >= self._guard.max_calls_per_day:
            raise _refused(f"{len(self._dialled)} calls a day (outbound.guard.maxCallsPerDay)")
        hour = sum(1 for at in self._dialled if at > now - HOUR)
        if hour >= self._guard.max_calls_per_hour:
            raise _refused(f"{hour} calls an hour (outbound.guard.maxCallsPerHour)")
        self._dialled.append(now)


def _refused(why: str) -> PolicyRefused:
    return PolicyRefused(f"not dialled now: {why}; try later or raise it", reason="policy.rate")
