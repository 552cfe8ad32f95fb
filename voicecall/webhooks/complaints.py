"""Which of many equal complaints are logged? The first at once, then one a minute, with a count.

Whoever can make us complain could fill the disk, and hide in the log what matters.
"""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk.clock import Clock

EVERY_SECONDS = 60.0
"""Real seconds from one to the next of its kind."""


@dataclass(slots=True, kw_only=True)
class _Told:
    at: float
    kept_back: int = 0


class Complaints:
    """Tells which are due.

    Args:
        clock: measures the time between them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: dict[str, _Told] = {}

    def due(self, kind: str) -> int | None:
        """Note one of `kind`, which must come from a set that we define.

        Returns:
            How many were kept back since the last that was due; None: this one is not due.
        """
        now = self._clock.now() / self._clock.scale
        last = self._told.get(kind)
        if last is not None and now - last.at < EVERY_SECONDS:
            last.kept_back += 1
            return None
        self._told[kind] = _Told(at=now)
        return last.kept_back if last else 0
