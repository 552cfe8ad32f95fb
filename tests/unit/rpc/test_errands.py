"""Errands outlive those who wait for them, and operations are bounded."""

from __future__ import annotations

import anyio
import pytest

from voicecall.errors import CapacityExceeded, Draining, InvalidRequest, StoreError
from voicecall.rpc.errands import Errand, Errands
from voicecall.rpc.operations import Operations, Payload


def test_cancelling_who_waits_does_not_cancel_the_work() -> None:
    async def scenario() -> None:
        go_on = anyio.Event()

        async def work() -> str:
            await go_on.wait()
            return "placed"

        async with anyio.create_task_group() as tasks:
            errand = Errands(tasks).start(work)
            with anyio.CancelScope() as waiting:
                waiting.cancel()
                await errand.result()
            go_on.set()
            assert await errand.result() == "placed"

    anyio.run(scenario)


def test_a_failure_reaches_everybody_who_waits_and_nobody_else() -> None:
    async def work() -> str:
        raise StoreError("the disk is full")

    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            errand = Errands(tasks).start(work)
            for _ in range(2):
                with pytest.raises(StoreError):
                    await errand.result()

    anyio.run(scenario)


def test_an_errand_that_shutdown_ends_says_so_to_who_waits() -> None:
    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            errand = Errands(tasks).start(anyio.sleep_forever)
            tasks.cancel_scope.cancel()
        with pytest.raises(Draining):
            await errand.result()

    anyio.run(scenario)


async def _finished() -> Errand[Payload]:
    async def work() -> Payload:
        return {}

    errand = Errand(work)
    await errand.run()
    return errand


def test_the_oldest_finished_operation_makes_room() -> None:
    async def scenario() -> None:
        operations = Operations(limit=2)
        first = operations.add(await _finished())
        second = operations.add(await _finished())
        operations.require_room()
        assert operations.find(second).is_done
        with pytest.raises(InvalidRequest):
            operations.find(first)

    anyio.run(scenario)


def test_operations_under_way_are_never_forgotten() -> None:
    async def scenario() -> None:
        async with anyio.create_task_group() as tasks:
            operations = Operations(limit=1)

            async def work() -> Payload:
                await anyio.sleep_forever()
                return {}

            operations.add(Errands(tasks).start(work))
            with pytest.raises(CapacityExceeded):
                operations.require_room()
            tasks.cancel_scope.cancel()

    anyio.run(scenario)
