"""Which reply is being made? At most one; the next one, or a caller who speaks on, ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from voicecall.calls.line import Desk, Heard

Spawn = Callable[[Callable[[], Awaitable[None]]], None]


class ReplyTask:
    """Runs `desk.heard` so that it can be cancelled.

    Args:
        desk: makes the replies.
        spawn: starts a task of the session.
    """

    def __init__(self, desk: Desk, spawn: Spawn) -> None:
        self._desk = desk
        self._spawn = spawn
        self._scope = anyio.CancelScope()
        self._running = 0
        self._idle = anyio.Event()

    @property
    def active(self) -> bool:
        """Whether a reply is being made."""
        return self._running > 0 and not self._scope.cancel_called

    def start(self, heard: Heard) -> None:
        """Let the desk answer `heard`; a reply that is still being made is void."""
        self.cancel()
        self._scope = scope = anyio.CancelScope()
        self._running += 1

        async def run() -> None:
            try:
                with scope:
                    await self._desk.heard(heard)
            finally:
                self._running -= 1
                self._idle.set()

        self._spawn(run)

    def cancel(self) -> None:
        """Make the reply no further."""
        self._scope.cancel()

    async def idle(self) -> None:
        """Wait until no reply is being made."""
        while self._running:
            self._idle = anyio.Event()
            await self._idle.wait()
