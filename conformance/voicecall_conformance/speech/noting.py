"""Into what does a plugin write under test? A sink that takes notice, and can take its time."""

from __future__ import annotations

from typing import Generic, TypeVar

import anyio
import anyio.lowlevel

T = TypeVar("T")


class Noting(Generic[T]):
    """A sink of any kind.

    Args:
        room: how many parts it takes before it keeps its writer waiting, until `open_up`; None:
            any number.
    """

    def __init__(self, room: int | None = None) -> None:
        self.parts: list[T] = []
        self.begun = anyio.Event()
        """Something came."""
        self.full = anyio.Event()
        """There is no more room."""
        self.crowded = False
        """Whether a part was written while another one was."""
        self.closed = False
        self.late = 0
        """Parts that came after it was closed."""
        self._room = room
        self._gate = anyio.Event()
        self._writing = False

    async def write(self, part: T) -> None:
        """Take notice."""
        if self.closed:
            self.late += 1
            return
        self.crowded |= self._writing
        self._writing = True
        try:
            self.parts.append(part)
            self.begun.set()
            await self._make_room()
        finally:
            self._writing = False

    async def _make_room(self) -> None:
        if self._room is not None and len(self.parts) >= self._room:
            self.full.set()
            await self._gate.wait()
        await anyio.lowlevel.checkpoint()

    def open_up(self) -> None:
        """Take everything from now on."""
        self._gate.set()
