"""What was said and done at a phone? Lines with their times, as they come."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from voicecall_mock.orders import Line


class Journal:
    """The lines of one call, in the order in which they became known.

    Args:
        now: seconds since the phone was answered.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._lines: list[Line] = []
        self._changed = anyio.Event()

    def add(self, speaker: str, kind: str, text: str, *, at: float | None = None) -> None:
        """Add a line; `at` is when it began, by default now."""
        begun = self._now() if at is None else at
        self._lines.append(Line(at=round(begun, 2), speaker=speaker, kind=kind, text=text))
        self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for more."""
        self._changed.set()
        self._changed = anyio.Event()

    async def changed(self) -> None:
        """Wait for the next line, or for the end."""
        await self._changed.wait()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All lines so far."""
        return tuple(self._lines)

    def sorted(self) -> tuple[Line, ...]:
        """All lines by the time at which they began."""
        return tuple(sorted(self._lines, key=lambda line: line.at))
