"""In which order does the desk learn what happened? In ours, one note at a time.

A desk may wait for its store; ears and playback must not wait for the desk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable

import anyio

from voicecall.calls.line import Desk, Heard

PARTIALS_WAITING = 32
"""When the desk is so far behind, partials are left out: the next one replaces them."""

_Note = Callable[[], Awaitable[None]]


class DeskNotes:
    """Notes on their way to a desk; only `deliver` and `delivered` wait.

    Args:
        desk: who is told.
        on_heard: called in turn with each finished speech; must not wait.
    """

    def __init__(self, desk: Desk, on_heard: Callable[[Heard], None]) -> None:
        self._desk = desk
        self._on_heard = on_heard
        self._notes: deque[_Note] = deque()
        self._noted = anyio.Event()

    def speech_began(self) -> None:
        """The caller has the floor."""
        self._note(self._desk.speech_began)

    def partial(self, text: str) -> None:
        """What the caller seems to be saying."""
        if len(self._notes) < PARTIALS_WAITING:
            self._note(lambda: self._desk.partial(text))

    def heard(self, heard: Heard) -> None:
        """What the caller said."""

        async def tell() -> None:
            self._on_heard(heard)

        self._note(tell)

    def digits(self, digits: str) -> None:
        """The caller pressed keys."""
        self._note(lambda: self._desk.digits(digits))

    def unheard(self, reason: str) -> None:
        """The caller is not understood any more."""
        self._note(lambda: self._desk.unheard(reason))

    def speaking(self, active: bool) -> None:
        """We began or ceased to be heard."""
        self._note(lambda: self._desk.speaking(active))

    async def deliver(self) -> None:
        """Tell the desk, until cancelled."""
        while True:
            while self._notes:
                await self._notes.popleft()()
            self._noted = anyio.Event()
            await self._noted.wait()

    async def delivered(self) -> None:
        """Wait until everything noted so far is told."""
        told = anyio.Event()

        async def tell() -> None:
            told.set()

        self._note(tell)
        await told.wait()

    def _note(self, note: _Note) -> None:
        self._notes.append(note)
        self._noted.set()
