"""Does everybody hear of an event, and does nobody slow the call down?"""

from collections.abc import AsyncIterator

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from voicecall.calls.bus import EventBus
from voicecall.model.call_events import CallEvent, DigitsReceived, PartialHeard
from voicecall.model.ids import CallId

A, B = CallId("call-a"), CallId("call-b")

pytestmark = pytest.mark.anyio


def event(number: int, call_id: CallId = A) -> DigitsReceived:
    return DigitsReceived(call_id=call_id, number=number, at=1.0, digits="1")


def partial(text: str, call_id: CallId = A) -> PartialHeard:
    return PartialHeard(call_id=call_id, number=0, at=1.0, text=text)


async def take(events: AsyncIterator[CallEvent], count: int) -> list[CallEvent]:
    with anyio.fail_after(5):
        return [await anext(events) for _ in range(count)]


async def take_all(events: AsyncIterator[CallEvent]) -> list[CallEvent]:
    with anyio.fail_after(5):
        return [heard async for heard in events]


async def test_a_subscriber_hears_its_call_in_order_and_no_other() -> None:
    bus = EventBus()
    async with bus.subscribe(A) as events:
        for heard in (event(1), event(1, B), partial("he"), event(2)):
            bus.publish(heard)
        assert await take(events, 3) == [event(1), partial("he"), event(2)]


async def test_a_subscriber_of_all_calls_hears_all() -> None:
    bus = EventBus()
    async with bus.subscribe(None) as events:
        bus.publish(event(1))
        bus.publish(event(1, B))
        assert await take(events, 2) == [event(1), event(1, B)]


async def test_what_was_published_before_is_not_heard() -> None:
    bus = EventBus()
    bus.publish(event(1))
    async with bus.subscribe(A) as events:
        bus.publish(event(2))
        assert await take(events, 1) == [event(2)]


async def test_a_waiting_subscriber_is_woken() -> None:
    bus = EventBus()
    async with bus.subscribe(A) as events, anyio.create_task_group() as tasks:
        heard: list[CallEvent] = []

        async def listen() -> None:
            heard.extend(await take(events, 2))

        tasks.start_soon(listen)
        await wait_all_tasks_blocked()
        bus.publish(event(1))
        await wait_all_tasks_blocked()
        bus.publish(event(2))
        await wait_all_tasks_blocked()
        assert heard == [event(1), event(2)]


async def test_a_cancelled_wait_loses_no_event() -> None:
    bus = EventBus()
    async with bus.subscribe(A) as events:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await anext(events)
        bus.publish(event(1))
        assert await take(events, 1) == [event(1)]


async def test_a_full_buffer_loses_its_oldest_partial_first() -> None:
    bus = EventBus()
    async with bus.subscribe(A, size=3) as events:
        for heard in (event(1), partial("he"), partial("hello")):
            bus.publish(heard)
        bus.publish(event(2))
        assert await take(events, 3) == [event(1), partial("hello"), event(2)]
    assert bus.dropped_partials == 1
    assert bus.overrun_subscriptions == 0


async def test_a_partial_that_finds_a_buffer_full_of_events_is_lost_itself() -> None:
    bus = EventBus()
    async with bus.subscribe(A, size=1) as events:
        bus.publish(event(1))
        bus.publish(partial("he"))
        assert await take(events, 1) == [event(1)]
        bus.publish(event(2))
        assert await take(events, 1) == [event(2)]
    assert bus.dropped_partials == 1


async def test_a_subscriber_that_falls_behind_is_ended_after_what_it_has() -> None:
    bus = EventBus()
    async with bus.subscribe(A, size=2) as slow, bus.subscribe(A) as quick:
        for number in range(1, 6):
            bus.publish(event(number))
        assert await take_all(slow) == [event(1), event(2)]
        assert await take_all(slow) == []
        assert len(await take(quick, 5)) == 5
    assert bus.overrun_subscriptions == 1


async def test_who_left_costs_nothing() -> None:
    bus = EventBus()
    async with bus.subscribe(A, size=1):
        pass
    for number in range(1, 6):
        bus.publish(event(number))
    assert bus.overrun_subscriptions == 0


async def test_closing_lets_listeners_have_what_they_have_and_then_ends_them() -> None:
    bus = EventBus()
    async with bus.subscribe(None) as events:
        bus.publish(event(1))
        bus.close()
        bus.publish(event(2))
        assert await take_all(events) == [event(1)]
