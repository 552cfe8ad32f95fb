"""When may the next dial be? One after the other, and never later than it was wanted."""

from __future__ import annotations

from voicecall.config.policy_settings import GuardSettings
from voicecall.errors import PolicyRefused
from voicecall.sdk.clock import Clock


class Pace:
    """The queue of dials: `callsPerSecond` and `dialDeadlineSeconds` of `outbound.guard`.

    Args:
        clock: call seconds.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_at = 0.0

    async def turn(self, guard: GuardSettings) -> None:
        """Take the next place in the queue of dials, and wait for it.

        Raises:
            PolicyRefused: `policy.rate`: the place is further away than `dialDeadlineSeconds`, or
                the machine slept past it.
        """
        asked_at = self._clock.now()
        at = max(asked_at, self._next_at)
        if at - asked_at > guard.dial_deadline_seconds:
            raise _late("the queue of dials is longer")
        self._next_at = at + 1 / guard.calls_per_second
        await self._clock.sleep(at - asked_at)
        if self._clock.now() - asked_at > guard.dial_deadline_seconds:
            raise _late("it waited longer")


def _late(why: str) -> PolicyRefused:
    return PolicyRefused(
        f"not dialled: {why} than outbound.guard.dialDeadlineSeconds; try again",
        reason="policy.rate",
    )
