"""A delivery that is repeated gets its answer again and nothing happens twice."""

from __future__ import annotations

import anyio
import pytest
from trio.testing import MockClock

from voicecall.errors import SignatureInvalid, StoreError
from voicecall.model.webhook import HttpReply
from voicecall.sdk.clock import SystemClock
from voicecall.webhooks.replay import Replies


class Work:
    """Counts its runs; each reply is different."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self) -> HttpReply:
        self.runs += 1
        return HttpReply(body=f"run {self.runs}".encode())


def in_virtual_time(main) -> None:
    clock = MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


def test_a_repeat_gets_the_first_answer():
    async def main() -> None:
        replies, work = Replies(SystemClock()), Work()
        first = await replies.once("k", b"body", work)
        assert await replies.once("k", b"body", work) is first
        assert (work.runs, replies.repeats) == (1, 1)

    anyio.run(main)


@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_an_answer_is_kept_longer_than_a_signature_is_fresh(scale):
    async def main() -> None:
        replies, work = Replies(SystemClock(scale)), Work()
        await replies.once("k", b"body", work)
        await anyio.sleep(300 + 60)
        await replies.once("k", b"body", work)
        assert work.runs == 1
        await anyio.sleep(600)
        await replies.once("k", b"body", work)
        assert work.runs == 2

    in_virtual_time(main)


def test_the_same_key_with_another_body_is_refused_while_running_and_after():
    async def main() -> None:
        replies = Replies(SystemClock())

        async def work() -> HttpReply:
            with pytest.raises(SignatureInvalid):
                await replies.once("k", b"other", Work())
            return HttpReply()

        await replies.once("k", b"body", work)
        with pytest.raises(SignatureInvalid):
            await replies.once("k", b"other", Work())

    anyio.run(main)


def test_repeats_wait_for_the_first_and_do_not_run():
    async def main() -> None:
        replies, answers = Replies(SystemClock()), []
        begun, may_end, work = anyio.Event(), anyio.Event(), Work()

        async def slow() -> HttpReply:
            begun.set()
            await may_end.wait()
            return await work()

        async def deliver() -> None:
            answers.append(await replies.once("k", b"body", slow))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(deliver)
            await begun.wait()
            await anyio.wait_all_tasks_blocked()
            assert answers == []
            may_end.set()
        assert [reply.body for reply in answers] == [b"run 1"] * 5

    anyio.run(main)


def test_after_a_failure_a_waiting_repeat_runs_anew():
    async def main() -> None:
        replies, answers = Replies(SystemClock()), []
        failing, work = anyio.Event(), Work()

        async def failing_work() -> HttpReply:
            await failing.wait()
            raise StoreError("full")

        async def first() -> None:
            with pytest.raises(StoreError):
                await replies.once("k", b"body", failing_work)

        async def second() -> None:
            answers.append(await replies.once("k", b"body", work))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(second)
            await anyio.wait_all_tasks_blocked()
            failing.set()
        assert answers == [HttpReply(body=b"run 1")]

    anyio.run(main)


def test_a_cancelled_delivery_can_be_delivered_again():
    async def main() -> None:
        replies, work = Replies(SystemClock()), Work()
        with anyio.CancelScope() as scope:

            async def cancelled() -> HttpReply:
                scope.cancel()
                await anyio.sleep_forever()
                raise AssertionError

            await replies.once("k", b"body", cancelled)
        assert (await replies.once("k", b"body", work)).body == b"run 1"

    anyio.run(main)


@pytest.mark.parametrize("bounds", [{"count": 3}, {"size": 3 * 900}])
def test_memory_is_bounded_and_the_oldest_goes_first(bounds):
    async def main() -> None:
        replies, work = Replies(SystemClock(), **bounds), Work()
        for number in range(10):
            await replies.once(f"k{number}", b"", work)
        assert (await replies.once("k9", b"", work)).body == b"run 10"
        assert (await replies.once("k0", b"", work)).body == b"run 11"

    anyio.run(main)


def test_the_keys_and_headers_of_answers_count_too():
    async def main() -> None:
        replies, work = Replies(SystemClock(), size=20_000), Work()

        async def with_header() -> HttpReply:
            return HttpReply(headers=(("x-long", "h" * 8000),))

        await replies.once("a", b"", work)
        await replies.once("b" * 8000, b"", work)
        await replies.once("c", b"", with_header)
        assert (await replies.once("a", b"", work)).body == b"run 1"
        await replies.once("d" * 8000, b"", work)
        assert (await replies.once("a", b"", work)).body == b"run 4"

    anyio.run(main)
