"""Time as plugins and kernel see it: a wall clock for dates, call seconds for durations."""

from __future__ import annotations

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """Where time comes from.

    Durations are in *call seconds*: on a real network these are seconds, on a simulated one
    that runs `scale` times faster than life, a call second takes ``1 / scale`` seconds.
    """

    @property
    def scale(self) -> float:
        """Call seconds per real second; 1 on every real network."""
        ...

    def wall(self) -> float:
        """Now, in real seconds since the epoch; may jump. For dates and signature windows."""
        ...

    def now(self) -> float:
        """Now, in call seconds since some fixed moment; never jumps. For durations."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` call seconds; not at all when zero or negative."""
        ...


class SystemClock:
    """The clock of a running gateway; durations follow anyio, so virtual time works.

    Args:
        scale: call seconds per real second.
    """

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale

    @property
    def scale(self) -> float:
        """Call seconds per real second."""
        return self._scale

    def wall(self) -> float:
        """Real seconds since the epoch."""
        return time.time()

    def now(self) -> float:
        """Call seconds on the event loop's clock."""
        return anyio.current_time() * self._scale

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` call seconds."""
        await anyio.sleep(max(0.0, seconds) / self._scale)
