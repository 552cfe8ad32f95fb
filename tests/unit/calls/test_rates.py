"""Do the caps and the pace of dialling hold, at once, in parallel, and across a restart?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.errors import InvalidRequest, PolicyRefused
from voicecall.service import CallRequest


def guard(**limits: Any) -> dict[str, Any]:
    return {"outbound": {"guard": limits}, "maxConcurrentCalls": 100}


def test_fifty_parallel_requests_cannot_pass_the_hourly_cap_nor_can_a_restart(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        refusals = []

        async def dial(world: Any) -> None:
            try:
                await world.place()
            except PolicyRefused as error:
                refusals.append(error.reason)

        limits = guard(maxCallsPerHour=5, callsPerSecond=50)
        async with gateway(**limits) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(dial, world)
            assert len(world.carrier.orders) == 5
            store = world.store
        async with gateway(store=store, **limits) as world:
            await world.service.count_dials()
            await dial(world)
            assert world.carrier.orders == []
        assert refusals == ["policy.rate"] * 46

    virtually(main)


def test_dials_start_a_second_apart_and_one_that_would_be_late_is_cancelled(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        begun: list[float] = []
        cancelled: list[str] = []

        async def dial(world: Any) -> None:
            try:
                await world.place()
            except PolicyRefused as error:
                cancelled.append(error.reason)
            else:
                begun.append(anyio.current_time())

        async with gateway(**guard(callsPerSecond=1, dialDeadlineSeconds=7)) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(dial, world)
            gaps = [later - earlier for earlier, later in zip(begun, begun[1:], strict=False)]
            assert gaps == pytest.approx([1.0] * 7)
            assert cancelled == ["policy.rate"] * 2

    virtually(main)


def test_one_idempotency_key_is_one_call_and_another_body_with_it_a_conflict(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        wish = CallRequest(to_number="+15550002222", message="Hi", idempotency_key="order-7")
        made: list[str] = []

        async def dial(world: Any) -> None:
            made.append(await world.service.initiate(wish))

        async with gateway(**guard(callsPerSecond=50)) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(dial, world)
            await dial(world)
            assert len(set(made)) == 1
            assert len(world.carrier.orders) == 1
            other = CallRequest(
                to_number="+15550002222", message="Other", idempotency_key="order-7"
            )
            with pytest.raises(InvalidRequest, match="idempotencyKey"):
                await world.service.initiate(other)

    virtually(main)
