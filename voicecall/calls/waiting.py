"""How tasks of a call wait for each other: a value that is settled once, and bounded waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

from voicecall.calls.line import Heard
from voicecall.sdk.clock import Clock

T = TypeVar("T")


class Settled(Generic[T]):
    """A value that somebody waits for; the first settlement stands."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._value: T | None = None
        self._error: Exception | None = None

    def settle(self, value: T) -> None:
        """Give the waiters `value`."""
        if not self._event.is_set():
            self._value = value
            self._event.set()

    def fail(self, error: Exception) -> None:
        """Give the waiters `error`."""
        if not self._event.is_set():
            self._error = error
            self._event.set()

    async def wait(self) -> T:
        """The value.

        Raises:
            Exception: whatever it failed with.
        """
        await self._event.wait()
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]


class Answer(Settled[Heard]):
    """The caller's answer to a waiting turn."""


async def within(seconds: float, clock: Clock, wait: Callable[[], Awaitable[T]]) -> T | None:
    """What `wait()` gives, or None when that takes longer than `seconds` call seconds."""
    with anyio.move_on_after(seconds / clock.scale):
        return await wait()
    return None
