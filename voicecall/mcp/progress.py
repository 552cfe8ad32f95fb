"""How does a client see that its request is alive? By what happens on the call, and by ticks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import anyio

from voicecall.rpc.wire import JsonObject
from voicecall.tasks import owned_tasks

TICK_SECONDS = 10.0
"""Clients give up on silence; the shortest patience that is known to us is 30 s."""


class Reporter(Protocol):
    """The session of the client that asked; says nothing to one that did not ask for progress."""

    async def report_progress(
        self, progress: float, total: float | None = None, message: str | None = None
    ) -> None:
        """Tell how far it is; `progress` must grow."""
        ...


class Progress:
    """What one request tells of its course, numbered.

    Args:
        reporter: the client's session.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._told = 0

    async def tell(self, message: str) -> None:
        """Tell the client."""
        self._told += 1
        await self._reporter.report_progress(self._told, None, message)

    async def event(self, event: JsonObject) -> None:
        """Tell of a call's event, if a person would want to know."""
        show = _SHOWN.get(str(event["type"]))
        if show is not None:
            await self.tell(show(event))


@asynccontextmanager
async def ticking(progress: Progress) -> AsyncIterator[None]:
    """Tell now and then, as long as the block runs, that it does."""
    async with owned_tasks() as tasks:
        tasks.start_soon(_tick, progress)
        yield


async def _tick(progress: Progress) -> None:
    while True:
        await anyio.sleep(TICK_SECONDS)
        await progress.tell("under way")


_SHOWN: dict[str, Callable[[JsonObject], str]] = {
    "created": lambda event: f"call {event['callId']} is placed",
    "state": lambda event: str(event["state"]),
    "line": lambda event: f"{event['speaker']}: {event['text']}",
    "digits": lambda event: f"keys pressed: {event['digits']}",
    "machine": lambda event: f"answered by a {event['result']}",
    "transferred": lambda event: "transferred",
    "note": lambda event: f"noted: {event['note']}",
    "finished": lambda event: f"ended: {event['state']}",
}
