"""How many calls may an agent ask for before a person looks at it again?"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from voicecall.errors import PolicyRefused

MAX_CALLS = 20
HOUR_SECONDS = 3600.0


class CallBudget:
    """Counts the calls that one session asks for, those that policy refuses included.

    Args:
        limit: how many it may ask for.
        within_seconds: in how long, wherever that begins; None: as long as there is a budget.
        now: seconds that never jump.
    """

    def __init__(
        self,
        limit: int = MAX_CALLS,
        *,
        within_seconds: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._within = within_seconds
        self._now = now
        self._asked: deque[float] = deque()

    def take(self) -> None:
        """Count one more.

        Raises:
            PolicyRefused: that would be too many.
        """
        now = self._now()
        while self._within is not None and self._asked and now - self._asked[0] >= self._within:
            self._asked.popleft()
        if len(self._asked) >= self._limit:
            raise PolicyRefused(self._used_up(now), reason="policy.session")
        self._asked.append(now)

    def _used_up(self, now: float) -> str:
        if self._within is None:
            return f"this session has asked for its {self._limit} calls; a person has to begin anew"
        wait = self._within - (now - self._asked[0]) if self._asked else self._within
        return (
            f"agents have asked for the {self._limit} calls that they may ask for in "
            f"{self._within / 60:.0f} minutes; the next may be asked for in {wait / 60:.0f} minutes"
        )
