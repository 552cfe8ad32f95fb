"""Who hears of an event: every subscriber, each with a bounded buffer, nobody by waiting."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from voicecall.model.call_events import CallEvent, PartialHeard
from voicecall.model.ids import CallId


class EventBus:
    """Hands stored events, and partial transcripts, to whoever listens. One event loop only.

    `dropped_partials` and `overrun_subscriptions` count what slow listeners lost.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[_Subscription, CallId | None] = {}
        self.dropped_partials = 0
        self.overrun_subscriptions = 0
        self.closed = False

    def publish(self, event: CallEvent) -> None:
        """Give `event` to every subscriber of its call, and of all calls. Never blocks.

        A full buffer loses its oldest partial transcript; one without any partials ends its
        subscription, because a gap between stored events would be a lie.
        """
        for subscription, wanted in list(self._subscriptions.items()):
            if wanted is None or wanted == event.call_id:
                self._deliver(subscription, event)

    @asynccontextmanager
    async def subscribe(
        self, call_id: CallId | None, *, size: int = 256
    ) -> AsyncIterator[AsyncIterator[CallEvent]]:
        """Events of `call_id` (None: of all calls) from now on, in order of publication.

        The iterator ends when its listener fell `size` events behind, after those that it has;
        it never raises. `size` is at least 1.
        """
        subscription = _Subscription(size)
        self._subscriptions[subscription] = call_id
        try:
            yield subscription
        finally:
            self._subscriptions.pop(subscription, None)

    def close(self) -> None:
        """End every subscription after what it has; the gateway is going."""
        self.closed = True
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()

    def _deliver(self, subscription: _Subscription, event: CallEvent) -> None:
        if not subscription.full:
            subscription.put(event)
        elif subscription.drop_partial():
            self.dropped_partials += 1
            subscription.put(event)
        elif isinstance(event, PartialHeard):
            self.dropped_partials += 1
        else:
            self.overrun_subscriptions += 1
            del self._subscriptions[subscription]
            subscription.end()


class _Subscription:
    """One listener's buffer, and the iterator over it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._buffer: deque[CallEvent] = deque()
        self._ended = False
        self._changed = anyio.Event()

    @property
    def full(self) -> bool:
        return len(self._buffer) >= self._size

    def put(self, event: CallEvent) -> None:
        self._buffer.append(event)
        self._changed.set()

    def end(self) -> None:
        self._ended = True
        self._changed.set()

    def drop_partial(self) -> bool:
        """Forget the oldest partial; False when there is none."""
        for index, event in enumerate(self._buffer):
            if isinstance(event, PartialHeard):
                del self._buffer[index]
                return True
        return False

    def __aiter__(self) -> AsyncIterator[CallEvent]:
        return self

    async def __anext__(self) -> CallEvent:
        await anyio.lowlevel.checkpoint()
        while not self._buffer:
            if self._ended:
                raise StopAsyncIteration
            self._changed = anyio.Event()
            await self._changed.wait()
        return self._buffer.popleft()
