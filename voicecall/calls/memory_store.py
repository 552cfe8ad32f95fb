"""A store that forgets when it goes: for tests in virtual time, and for trying things out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import anyio.lowlevel

from voicecall.calls import codec
from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.store import OUTLINE_EVENTS, key_taken, out_of_order
from voicecall.errors import StoreError
from voicecall.model.call_events import CallCreated, CallEvent, CallFinished, CarrierIdLearned
from voicecall.model.ids import CallId


class MemoryStore:
    """A `CallStore` in memory; it needs no thread, so virtual time works."""

    def __init__(self) -> None:
        self._calls: dict[str, list[CallEvent]] = {}
        self._carrier_ids: dict[str, CallId] = {}
        self._keys: dict[str, CallId] = {}
        self._numbers: dict[NumberList, dict[str, ListedNumber]] = {on: {} for on in NumberList}
        self._closed = False

    async def append(self, events: Sequence[CallEvent]) -> None:
        """See `CallStore.append`; "durable" lasts as long as this object."""
        self._require_open()
        self._check(events)
        for event in events:
            self._add(event)
        await anyio.lowlevel.checkpoint()

    async def events(self, call_id: CallId) -> list[CallEvent]:
        """See `CallStore.events`."""
        await self._reading()
        return list(self._calls.get(call_id, ()))

    async def resolve(self, any_id: str) -> CallId | None:
        """See `CallStore.resolve`."""
        await self._reading()
        return CallId(any_id) if any_id in self._calls else self._carrier_ids.get(any_id)

    async def live(self) -> list[list[CallEvent]]:
        """See `CallStore.live`."""
        await self._reading()
        return [
            list(events)
            for events in self._calls.values()
            if not any(isinstance(event, CallFinished) for event in events)
        ]

    async def recent(self, limit: int) -> list[list[CallEvent]]:
        """See `CallStore.recent`."""
        await self._reading()
        return [list(events) for events in islice(reversed(self._calls.values()), max(0, limit))]

    async def since(self, at: float) -> list[list[CallEvent]]:
        """See `CallStore.since`."""
        await self._reading()
        return [
            [event for event in events if isinstance(event, OUTLINE_EVENTS)]
            for events in self._calls.values()
            if events[0].at >= at
        ]

    async def find_idempotent(self, key: str) -> CallId | None:
        """See `CallStore.find_idempotent`."""
        await self._reading()
        return self._keys.get(key)

    async def keep_number(self, on: NumberList, entry: ListedNumber) -> None:
        """See `CallStore.keep_number`."""
        await self._reading()
        self._numbers[on][entry.number] = entry

    async def drop_number(self, on: NumberList, number: str) -> None:
        """See `CallStore.drop_number`."""
        await self._reading()
        self._numbers[on].pop(number, None)

    async def find_number(self, on: NumberList, number: str) -> ListedNumber | None:
        """See `CallStore.find_number`."""
        await self._reading()
        return self._numbers[on].get(number)

    async def numbers(self, on: NumberList) -> list[ListedNumber]:
        """See `CallStore.numbers`."""
        await self._reading()
        return sorted(self._numbers[on].values(), key=lambda entry: (entry.at, entry.number))

    async def aclose(self) -> None:
        """See `CallStore.aclose`."""
        self._closed = True
        await anyio.lowlevel.checkpoint()

    async def _reading(self) -> None:
        self._require_open()
        await anyio.lowlevel.checkpoint()

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed; this gateway is shutting down")

    def _check(self, events: Sequence[CallEvent]) -> None:
        last = {event.call_id: len(self._calls.get(event.call_id, ())) for event in events}
        keys = set(self._keys)
        for event in events:
            codec.encode(event)
            before = last[event.call_id]
            first = isinstance(event, CallCreated)
            if event.number != before + 1 or first is not (before == 0):
                raise out_of_order(event, before)
            if isinstance(event, CallCreated) and event.idempotency_key is not None:
                if event.idempotency_key in keys:
                    raise key_taken(event)
                keys.add(event.idempotency_key)
            last[event.call_id] = event.number

    def _add(self, event: CallEvent) -> None:
        self._calls.setdefault(event.call_id, []).append(event)
        match event:
            case CallCreated(call_id=call_id, idempotency_key=str(key)):
                self._keys[key] = call_id
            case CarrierIdLearned(call_id=call_id, carrier_call_id=carrier_call_id):
                self._carrier_ids[carrier_call_id] = call_id
