"""Where calls live: what a store promises, whatever keeps it.

Events are the truth and a record is a fold over them (`voicecall.calls.fold`), so a store keeps
events and finds calls. Every implementation passes `tests/unit/calls/test_store.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.errors import StoreError
from voicecall.model.call_events import (
    CallCreated,
    CallEvent,
    CallFinished,
    CallTransferred,
    StateChanged,
)
from voicecall.model.ids import CallId

OUTLINE_EVENTS = (CallCreated, StateChanged, CallTransferred, CallFinished)
"""What `CallStore.since` tells of a call: enough for whom, when and how long."""


class Lookup(Protocol):
    """What can be read of calls, live and ended, and of lists of numbers.

    Every method raises `StoreError` when the store is closed, damaged or not reachable.
    """

    async def events(self, call_id: CallId) -> list[CallEvent]:
        """All events of `call_id` in order; empty when nobody knows it."""
        ...

    async def resolve(self, any_id: str) -> CallId | None:
        """The call that `any_id` means, live or ended: our id, or any that its carrier gave it.

        When two calls learned the same carrier id it is the later one.
        """
        ...

    async def live(self) -> list[list[CallEvent]]:
        """The events of every call without `CallFinished`, the oldest call first."""
        ...

    async def recent(self, limit: int) -> list[list[CallEvent]]:
        """The events of the last `limit` calls to be created, the newest call first."""
        ...

    async def since(self, at: float) -> list[list[CallEvent]]:
        """Those events of the calls created at `at` or later that are `OUTLINE_EVENTS`, the
        oldest call first."""
        ...

    async def find_idempotent(self, key: str) -> CallId | None:
        """The call that was created with the idempotency `key`."""
        ...

    async def find_number(self, on: NumberList, number: str) -> ListedNumber | None:
        """What a list has of `number`."""
        ...

    async def numbers(self, on: NumberList) -> list[ListedNumber]:
        """Everything on a list, the oldest first."""
        ...


class CallStore(Lookup, Protocol):
    """Keeps the events of all calls, and lists of numbers.

    A call's events are numbered 1, 2, 3 without gaps; number 1 is its only `CallCreated`.
    """

    async def append(self, events: Sequence[CallEvent]) -> None:
        """Add `events`, of one call or several: all of them or none.

        When it returns they are durable: they survive the kill of the process and the loss of
        power. Concurrent appends may share one disk write; each has its own result. Cancelling
        stops the waiting, not the writing: a cancelled append is stored like any other.

        Raises:
            StoreError: nothing was stored. An event leaves a gap or was stored before, a kind
                is never stored, another call has the idempotency key, or the disk is full.
        """
        ...

    async def keep_number(self, on: NumberList, entry: ListedNumber) -> None:
        """Put `entry` on a list, durably as by `append`; it replaces what its number had there.

        Raises:
            StoreError: nothing was stored.
        """
        ...

    async def drop_number(self, on: NumberList, number: str) -> None:
        """Take `number` off a list, durably; one that is not there is not an error.

        Raises:
            StoreError: nothing was changed.
        """
        ...

    async def aclose(self) -> None:
        """Finish every write that was begun, then close; closing twice is not an error."""
        ...


def out_of_order(event: CallEvent, last_number: int) -> StoreError:
    """The error for an `event` that does not follow number `last_number` of its call."""
    kind = type(event).__name__
    return StoreError(
        f"{kind} number {event.number} cannot follow number {last_number} of call "
        f"{event.call_id!r}: a call begins with CallCreated as number 1 and counts up by one; "
        "read the call's events again before appending"
    )


def key_taken(event: CallCreated) -> StoreError:
    """The error for creating a call with the idempotency key of another one."""
    return StoreError(
        f"call {event.call_id!r} cannot be created: its idempotency key belongs to another "
        "call; find that one with find_idempotent"
    )
