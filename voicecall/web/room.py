"""How much room is there for strangers? Bounded by the system, and some kept for who is quick."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

SPARE_PLACES = 32
SPARE_SECONDS = 1.0
"""How long one may be taken: a carrier's request is there at once, its body with its headers."""


def room(connections: int) -> int:
    """How many of `connections` there may be; at most a third of the open files we may have."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if files < 0 else min(connections, max(16, files // 3))


class SparePlaces:
    """Places for requests that come while all the others are taken.

    Slow senders can keep those, and behind a proxy theirs is the address of everybody. Nobody
    keeps one of these: for one more, the one taken longest is given up.

    Args:
        count: how many there are.
        seconds: how long each may be taken.
    """

    def __init__(self, *, count: int = SPARE_PLACES, seconds: float = SPARE_SECONDS) -> None:
        self._count = count
        self._seconds = seconds
        self._taken: dict[anyio.CancelScope, None] = {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Run the block, unless it takes too long or its place is given to another."""
        if len(self._taken) >= self._count:
            oldest = next(iter(self._taken))
            del self._taken[oldest]
            oldest.cancel()
        with anyio.move_on_after(self._seconds) as place:
            self._taken[place] = None
            try:
                yield
            finally:
                self._taken.pop(place, None)
