"""Who is told what happens? Every event sink, and none of them can harm a call."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from voicecall.calls.bus import EventBus
from voicecall.sdk.sink import EventSink
from voicecall.tasks import unwrapped

logger = logging.getLogger("voicecall")

LAST_EVENTS_SECONDS = 3.0
"""Real seconds that event sinks have for what they were not yet given when the gateway closes."""


@asynccontextmanager
async def feeding(sinks: Sequence[EventSink], bus: EventBus) -> AsyncIterator[None]:
    """Gives every sink every event; after the block, what was published before its end."""
    with unwrapped():
        async with anyio.create_task_group() as tasks:
            for sink in sinks:
                tasks.start_soon(_feed, sink, bus)
            try:
                yield
            finally:
                bus.close()
                tasks.cancel_scope.shield = True
                tasks.cancel_scope.deadline = anyio.current_time() + LAST_EVENTS_SECONDS


def tell(sinks: Sequence[EventSink], what: Callable[[EventSink], None]) -> None:
    """Do `what` with each of `sinks`; one that fails is logged."""
    for sink in sinks:
        try:
            what(sink)
        except (Exception, SystemExit):
            _complain(sink)


async def _feed(sink: EventSink, bus: EventBus) -> None:
    """Give `sink` every event; one that fails or falls behind loses events, never a call."""
    while not bus.closed:
        async with bus.subscribe(None) as events:
            async for event in events:
                try:
                    await sink.write(event)
                except (Exception, SystemExit):
                    _complain(sink)


def _complain(sink: EventSink) -> None:
    package = type(sink).__module__.partition(".")[0]
    logger.exception("an event sink failed", extra={"sink": package})
