"""What must every store do? The same promises, kept by each implementation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from voicecall.calls.memory_store import MemoryStore
from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.calls.store import CallStore
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, CallState, Direction, Speaker
from voicecall.model.call_events import (
    CallCreated,
    CallEvent,
    CallFinished,
    CarrierIdLearned,
    LineSaid,
    PartialHeard,
    RecordingKept,
    StateChanged,
)
from voicecall.model.ids import CallId, CarrierCallId

Opener = Callable[[], AbstractAsyncContextManager[CallStore]]
Check = Callable[[CallStore], Awaitable[None]]
A, B, C = CallId("call-a"), CallId("call-b"), CallId("call-c")


@asynccontextmanager
async def memory_store() -> AsyncIterator[CallStore]:
    yield MemoryStore()


@pytest.fixture(params=["memory", "sqlite"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "memory":
        return memory_store
    return lambda: open_sqlite_store(tmp_path / "calls.db")


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest, opened: Opener) -> Callable[[Check], None]:
    async def with_store(check: Check) -> None:
        with anyio.fail_after(30):
            async with opened() as store:
                await check(store)

    return lambda check: anyio.run(with_store, check, backend=request.param)


Run = Callable[[Check], None]


def created(call_id: CallId = A, *, number: int = 1, key: str | None = None) -> CallCreated:
    return CallCreated(
        call_id=call_id,
        number=number,
        at=100.0,
        provider="mock",
        direction=Direction.OUTBOUND,
        mode=CallMode.CONVERSATION,
        from_number="+15550000001",
        to_number="+15550000002",
        idempotency_key=key,
        secret="kept",
        metadata={"agent": "main"},
    )


def ringing(number: int, call_id: CallId = A) -> StateChanged:
    return StateChanged(call_id=call_id, number=number, at=101.0, state=CallState.RINGING)


def said(number: int, text: str, call_id: CallId = A) -> LineSaid:
    return LineSaid(call_id=call_id, number=number, at=102.0, speaker=Speaker.USER, text=text)


def known_as(number: int, carrier_id: str, call_id: CallId = A) -> CarrierIdLearned:
    return CarrierIdLearned(
        call_id=call_id, number=number, at=103.0, carrier_call_id=CarrierCallId(carrier_id)
    )


def finished(number: int, call_id: CallId = A) -> CallFinished:
    return CallFinished(call_id=call_id, number=number, at=104.0, state=CallState.COMPLETED)


async def refused(store: CallStore, *events: CallEvent, match: str) -> None:
    with pytest.raises(StoreError, match=match):
        await store.append(events)


def test_appended_events_come_back_in_order_and_whole(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(), ringing(2)])
        await store.append([said(3, "grüß Gott 👋 \x00 <b>")])
        expected = [created(), ringing(2), said(3, "grüß Gott 👋 \x00 <b>")]
        assert await store.events(A) == expected

    run(check)


def test_a_call_that_nobody_knows_has_no_events(run: Run) -> None:
    async def check(store: CallStore) -> None:
        assert await store.events(B) == []
        assert await store.resolve("x") is None
        assert await store.find_idempotent("x") is None
        assert await store.live() == []
        assert await store.recent(5) == []

    run(check)


def test_one_append_may_tell_of_several_calls(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(A), created(B), ringing(2, A), ringing(2, B)])
        assert await store.events(B) == [created(B), ringing(2, B)]

    run(check)


def test_appending_nothing_is_not_an_error(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([])

    run(check)


def test_a_gap_in_the_numbers_is_refused(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created()])
        await refused(store, ringing(3), match="number 3 cannot follow number 1")
        await refused(store, ringing(2), said(4, "hi"), match="number 4 cannot follow number 2")
        assert await store.events(A) == [created()]

    run(check)


def test_an_event_that_was_stored_before_is_refused(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(), ringing(2)])
        await refused(store, ringing(2), match="number 2 cannot follow number 2")
        await refused(store, created(), match="number 1 cannot follow number 2")

    run(check)


def test_a_call_begins_with_its_creation_and_has_only_one(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await refused(store, ringing(1), match="cannot follow number 0")
        await refused(store, ringing(2), match="cannot follow number 0")
        await refused(store, created(number=2), match="cannot follow number 0")
        await store.append([created()])
        await refused(store, created(number=2), match="number 2 cannot follow number 1")
        assert await store.events(A) == [created()]

    run(check)


def test_an_append_is_stored_whole_or_not_at_all(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await refused(
            store, created(key="k"), known_as(2, "C1"), ringing(9), match="cannot follow number 2"
        )
        assert await store.events(A) == []
        assert await store.resolve("C1") is None
        assert await store.find_idempotent("k") is None
        await store.append([created(key="k")])

    run(check)


def test_a_partial_transcript_is_refused(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created()])
        partial = PartialHeard(call_id=A, number=2, at=1.0, text="hel")
        await refused(store, partial, match="PartialHeard is never stored")

    run(check)


def test_text_that_is_not_unicode_is_refused(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created()])
        await refused(store, said(2, "\ud800"), match="valid Unicode")
        await store.append([said(2, "fine")])

    run(check)


def test_every_id_of_a_call_resolves_to_it_while_it_lives_and_after(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(), known_as(2, "req:1/2"), known_as(3, "CA1")])
        assert [await store.resolve(i) for i in (A, "req:1/2", "CA1")] == [A, A, A]
        await store.append([finished(4)])
        assert [await store.resolve(i) for i in (A, "req:1/2", "CA1")] == [A, A, A]

    run(check)


def test_an_id_that_is_not_unicode_resolves_to_nothing(run: Run) -> None:
    async def check(store: CallStore) -> None:
        assert await store.resolve("\ud800") is None
        assert await store.find_idempotent("\ud800") is None

    run(check)


def test_a_carrier_id_that_two_calls_learned_means_the_later_one(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(A), known_as(2, "C1", A), finished(3, A)])
        await store.append([created(B), known_as(2, "C1", B)])
        assert await store.resolve("C1") == B

    run(check)


def test_our_own_id_wins_over_a_carriers(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(A), created(B), known_as(2, A, B)])
        assert await store.resolve(A) == A

    run(check)


def test_live_calls_are_those_without_an_end_oldest_first(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(C), created(A), created(B)])
        await store.append([ringing(2, C), finished(2, A)])
        assert await store.live() == [[created(C), ringing(2, C)], [created(B)]]

    run(check)


def test_a_recording_that_comes_after_the_end_revives_nothing(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(), finished(2)])
        await store.append([RecordingKept(call_id=A, number=3, at=1.0, location="a.wav")])
        assert await store.live() == []
        assert len(await store.events(A)) == 3

    run(check)


def test_recent_calls_are_the_newest_first_and_no_more_than_wanted(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(B), created(A), ringing(2, A), created(C), finished(2, B)])
        newest = [[created(C)], [created(A), ringing(2, A)], [created(B), finished(2, B)]]
        assert await store.recent(10) == newest
        assert await store.recent(2) == newest[:2]
        assert await store.recent(0) == []
        assert await store.recent(-1) == []

    run(check)


def test_an_idempotency_key_finds_its_call_and_cannot_be_used_twice(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created(A, key="k"), created(B)])
        await refused(store, created(C, key="k"), match="idempotency key belongs to another")
        await refused(store, created(C, key="x"), created(CallId("d"), key="x"), match="idempot")
        assert await store.find_idempotent("k") == A
        assert await store.events(C) == []

    run(check)


def test_of_two_creations_at_once_with_one_key_one_wins(run: Run) -> None:
    async def check(store: CallStore) -> None:
        outcomes: list[str] = []

        async def create(call_id: CallId) -> None:
            try:
                await store.append([created(call_id, key="k")])
                outcomes.append("stored")
            except StoreError:
                outcomes.append("refused")

        async with anyio.create_task_group() as tasks:
            for call_id in (A, B, C):
                tasks.start_soon(create, call_id)
        assert sorted(outcomes) == ["refused", "refused", "stored"]
        assert len(await store.recent(10)) == 1

    run(check)


def test_one_bad_append_does_not_fail_those_beside_it(run: Run) -> None:
    async def check(store: CallStore) -> None:
        failed: list[int] = []

        async def append(index: int) -> None:
            call_id = CallId(f"call-{index}")
            wrong = index % 7 == 3
            try:
                await store.append([created(call_id), ringing(5 if wrong else 2, call_id)])
            except StoreError:
                failed.append(index)

        async with anyio.create_task_group() as tasks:
            for index in range(60):
                tasks.start_soon(append, index)
        assert sorted(failed) == [index for index in range(60) if index % 7 == 3]
        assert len(await store.recent(100)) == 60 - len(failed)

    run(check)


def test_a_cancelled_append_is_stored_and_harms_nothing(run: Run) -> None:
    async def check(store: CallStore) -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await store.append([created()])
        assert scope.cancelled_caught
        await store.append([ringing(2)])
        assert await store.events(A) == [created(), ringing(2)]

    run(check)


def test_what_a_reader_was_given_is_its_own(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.append([created()])
        (await store.events(A)).clear()
        (await store.live())[0].clear()
        assert await store.events(A) == [created()]

    run(check)


def test_a_closed_store_says_so_and_closing_twice_is_not_an_error(run: Run) -> None:
    async def check(store: CallStore) -> None:
        await store.aclose()
        await store.aclose()
        await refused(store, created(), match="store is closed")
        with pytest.raises(StoreError, match="store is closed"):
            await store.events(A)

    run(check)


def test_lists_keep_each_number_once_and_apart_from_each_other(run: Run) -> None:
    async def check(store: CallStore) -> None:
        old = ListedNumber(number="+15550001111", at=1.0, code="123456", calls=1)
        new = ListedNumber(number="+15550001111", at=3.0, source="speech", call_id="call-a")
        other = ListedNumber(number="+15550002222", at=2.0)
        for entry in (old, new, other):
            await store.keep_number(NumberList.DO_NOT_CALL, entry)
        await store.keep_number(NumberList.PENDING, old)
        assert await store.numbers(NumberList.DO_NOT_CALL) == [other, new]
        assert await store.find_number(NumberList.PENDING, old.number) == old
        await store.drop_number(NumberList.DO_NOT_CALL, new.number)
        await store.drop_number(NumberList.DO_NOT_CALL, "+15550009999")
        assert await store.find_number(NumberList.DO_NOT_CALL, new.number) is None
        assert await store.numbers(NumberList.PAIRED) == []

    run(check)


def test_the_outline_of_calls_since_a_moment_is_told(run: Run) -> None:
    async def check(store: CallStore) -> None:
        early, late = replace(created(A), at=50.0), created(B)
        answer = StateChanged(call_id=B, number=2, at=101.0, state=CallState.ANSWERED)
        await store.append([early, late, answer, said(3, "hello", B), finished(4, B)])
        assert await store.since(100.0) == [[late, answer, finished(4, B)]]
        assert len(await store.since(0.0)) == 2

    run(check)
