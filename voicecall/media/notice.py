"""How does a task learn that something changed? An event that is free while nobody waits."""

from __future__ import annotations

import anyio


class Notice:
    """Wakes whoever waits at this moment; frames pass fifty times a second, waiters are rare.

    What changed is to be looked at again after each `wait`.
    """

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def give(self) -> None:
        """Something changed."""
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Until the next `give`."""
        if self._event is None:
            self._event = anyio.Event()
        await self._event.wait()
