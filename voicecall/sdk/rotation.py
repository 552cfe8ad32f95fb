"""Which secrets are right while one takes another's place? The new one, and for a while the former.

A carrier signs with the secret that it has; we cannot know the moment at which it changes over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from voicecall.errors import SignatureInvalid
from voicecall.sdk.clock import Clock

FORMER_SECONDS = 600.0
"""How long, in real seconds, what is signed with the former secret still passes."""

T = TypeVar("T")
R = TypeVar("R")


class Rotating(Generic[T]):
    """A secret, or several that belong together, with the former one while that is still good.

    Args:
        value: the first.
        clock: measures how long the former is good.
    """

    def __init__(self, value: T, clock: Clock) -> None:
        self.current = value
        """What we use ourselves, for requests to the carrier."""
        self._clock = clock
        self._former = value
        self._until = 0.0

    def check(self, verify: Callable[[T], R]) -> R:
        """What `verify` returns for the current secret, or, where that does not fit, the former.

        Raises:
            SignatureInvalid: neither fits.
        """
        try:
            return verify(self.current)
        except SignatureInvalid:
            if self._now() >= self._until:
                raise
        return verify(self._former)

    def renew(self, value: T) -> None:
        """`value` is the right one from now on; the one before is good for `FORMER_SECONDS` more,
        at most until there is another."""
        if value != self.current:
            self._former, self.current = self.current, value
            self._until = self._now() + FORMER_SECONDS

    def _now(self) -> float:
        return self._clock.now() / self._clock.scale
