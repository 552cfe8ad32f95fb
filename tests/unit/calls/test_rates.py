"""Do the caps and the pace of dialling hold, at once, in parallel, and across a restart?

Acceptance 38, 39, and what calls may cost.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import anyio
import pytest

from voicecall.calls.rates import Pace
from voicecall.config.policy_settings import GuardSettings
from voicecall.config.schema import Settings
from voicecall.errors import InvalidRequest, PolicyRefused, StoreError
from voicecall.model.call import CallMode, CallState, Direction
from voicecall.model.call_events import CallCreated, CallFinished, StateChanged
from voicecall.model.carrier_events import CallEnded, EndCause
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.sdk.clock import SystemClock
from voicecall.service import CallRequest


def guard(**limits: Any) -> dict[str, Any]:
    return {"outbound": {"guard": limits}, "maxConcurrentCalls": 100}


def test_acceptance_38_fifty_parallel_requests_cannot_pass_the_hourly_cap_nor_can_a_restart(
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


def test_acceptance_39_one_that_would_be_late_is_cancelled(gateway: Any, virtually: Any) -> None:
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


def test_acceptance_39_ten_dials_start_a_second_apart(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        begun: list[float] = []

        async def dial(world: Any) -> None:
            await world.place()
            begun.append(anyio.current_time())

        async with gateway(**guard()) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(dial, world)
            gaps = [later - earlier for earlier, later in zip(begun, begun[1:], strict=False)]
            assert gaps == pytest.approx([1.0] * 9)

    virtually(main)


def test_acceptance_39_a_dial_that_the_machine_slept_past_is_cancelled_not_placed_late() -> None:
    class Sleepy(SystemClock):
        slept = 0.0

        def now(self) -> float:
            return self.slept

        async def sleep(self, seconds: float) -> None:
            self.slept += seconds + 61

    async def main() -> None:
        with pytest.raises(PolicyRefused, match="it waited longer"):
            await Pace(Sleepy()).turn(GuardSettings())

    anyio.run(main)


def test_the_windows_move_on_and_a_clock_that_is_set_does_not_move_them(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        limits = guard(maxCallsPerHour=1, maxCallsPerDay=2, callsPerSecond=50)
        async with gateway(**limits) as world:
            await world.place()
            with pytest.raises(PolicyRefused, match="an hour"):
                await world.place()
            await anyio.sleep(3601)  # by the clock that never jumps; the date has not moved
            await world.place()
            await anyio.sleep(3601)
            with pytest.raises(PolicyRefused, match="24 hours"):
                await world.place()

    virtually(main)


def test_a_dial_that_was_not_placed_does_not_count(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        limits = guard(maxCallsPerHour=1, callsPerSecond=50) | {"maxConcurrentCalls": 1}
        async with gateway(**limits) as world:
            store = world.store

            async def full(events: Any) -> None:
                raise StoreError("the disk is full")

            append, store.append = store.append, full
            with pytest.raises(StoreError):
                await world.place()
            store.append = append
            await world.place()
            assert len(world.carrier.orders) == 1

    virtually(main)


CAP = {"amount": 1.0, "currency": "EUR", "pricePerMinute": 0.1}
"""Ten minutes: two calls of five."""


def test_what_calls_may_cost_at_most_is_reserved_and_what_they_lasted_counts(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(**guard(spendCap=CAP, callsPerSecond=50)) as world:
            first, _ = await world.place(), await world.place()
            with pytest.raises(PolicyRefused) as refused:
                await world.place()
            assert refused.value.reason == "policy.spend"
            assert "1.0 of 1.0 EUR" in str(refused.value)
            await first.tell(ended("X1"))  # nobody answered: it cost nothing
            await first.ended.wait()
            await world.place()

    virtually(main)


def test_fifty_parallel_requests_cannot_pass_the_spending_cap_nor_can_a_restart(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        reasons = []

        async def dial(world: Any) -> None:
            try:
                await world.place()
            except PolicyRefused as error:
                reasons.append(error.reason)

        limits = guard(spendCap=CAP, callsPerSecond=50)
        async with gateway(**limits) as world:
            async with anyio.create_task_group() as tasks:
                for _ in range(50):
                    tasks.start_soon(dial, world)
            assert len(world.carrier.orders) == 2
            store = world.store
        async with gateway(store=store, **limits) as world:
            await world.service.count_dials()
            await dial(world)
            assert world.carrier.orders == []
        assert reasons == ["policy.spend"] * 49

    virtually(main)


def test_a_restart_counts_begun_minutes_of_what_was_answered(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(**guard()) as world:
            await world.store.append(history("a", answered=61.0))  # two minutes
            await world.store.append(history("b", answered=None))
            await world.store.append(history("c", answered=5.0, direction=Direction.INBOUND))
            await world.service.count_dials()
            world.service.adopt(replace(world.tools, settings=capped()))
            found = await world.service.policy.explain("+15550002222")
            spend = found.outbound.verdicts[-1]
            assert spend.why.startswith("0.2 of 1.0 EUR are spent")
            counted = [verdict.why for verdict in found.outbound.verdicts[-3:-1]]
            assert counted[1] == "2 of 60 calls were dialled within an hour"

    virtually(main)


def history(call: str, *, answered: float | None, direction: Any = Direction.OUTBOUND) -> list[Any]:
    """The events of a call of a while ago that ended `answered` seconds after its answer."""
    call_id, now = CallId(call), time.time()
    events: list[Any] = [
        CallCreated(
            call_id=call_id,
            number=1,
            at=now - 600,
            provider="acme",
            direction=direction,
            mode=CallMode.NOTIFY,
            from_number="+15550001111",
            to_number="+15550002222",
        )
    ]
    if answered is not None:
        begun = StateChanged(call_id=call_id, number=2, at=now - 500, state=CallState.ANSWERED)
        events.append(begun)
    end = now - 500 + (answered or 0)
    over = CallFinished(call_id=call_id, number=len(events) + 1, at=end, state=CallState.COMPLETED)
    return [*events, over]


def capped() -> Settings:
    return Settings.model_validate(guard(spendCap=CAP))


def ended(carrier_id: str) -> CallEnded:
    return CallEnded(key="end", carrier_call_id=CarrierCallId(carrier_id), cause=EndCause.NO_ANSWER)


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
