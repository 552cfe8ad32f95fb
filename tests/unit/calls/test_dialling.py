"""Is what is dialled durable, capped, and ended once?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.errors import (
    CallStateError,
    CapacityExceeded,
    CarrierRejected,
    CarrierUnreachable,
    StoreError,
)
from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    CallRenamed,
    CallRinging,
    EndCause,
    EndedBy,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import (
    HangUp,
)
from voicecall.sdk.provider import Unknown

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def ended(cause: EndCause = EndCause.COMPLETED) -> CallEnded:
    return CallEnded(key="e", carrier_call_id=X1, cause=cause, ended_by=EndedBy.CALLEE)


def test_concurrent_initiates_cannot_exceed_the_cap(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(maxConcurrentCalls=3) as world:
            refused = []

            async def dial() -> None:
                try:
                    await world.place()
                except CapacityExceeded as error:
                    refused.append(error)

            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(dial)
            assert len(world.carrier.orders) == 3
            assert len(refused) == 7

    virtually(main)


def test_a_failed_dial_is_recorded_and_gives_its_slot_back(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(maxConcurrentCalls=1) as world:
            world.carrier.refuses = CarrierRejected("the number is not yours", code="21212")
            with pytest.raises(CarrierRejected):
                await world.place()
            (record,) = await world.service.history(5)
            assert record.state is CallState.FAILED
            world.carrier.refuses = None
            await world.place()

    virtually(main)


def test_an_order_without_an_answer_is_a_call_once_it_rings(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            world.carrier.answer_status = Unknown()
            world.carrier.refuses = CarrierUnreachable("the connection was cut")

            async def ring() -> None:
                await anyio.sleep(2)
                (call,) = world.manager.all_live
                record = call.record
                known = {"call_id": record.call_id, "call_secret": record.secret}
                event = CallRinging(key="r", carrier_call_id=CarrierCallId("late"), **known)
                await world.manager.apply([event])

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ring)
                call = await world.place(mode=TALK)
            assert call.record.state is CallState.RINGING
            assert call.record.carrier_call_id == "late"

    virtually(main)


def test_a_call_that_cannot_be_stored_is_not_dialled(gateway: Any, virtually: Any) -> None:
    from voicecall.calls.memory_store import MemoryStore

    class Full(MemoryStore):
        full = True

        async def append(self, events: Any) -> None:
            if self.full:
                raise StoreError("the disk is full")
            await super().append(events)

    async def main() -> None:
        store = Full()
        async with gateway(store=store) as world:
            with pytest.raises(StoreError):
                await world.place()
            assert world.carrier.orders == []
            store.full = False
            await world.place()
            assert len(world.carrier.orders) == 1

    virtually(main)


def test_ending_twice_at_once_asks_the_carrier_once(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(world.service.end, call.record.call_id)
                tasks.start_soon(world.service.end, "X1")
            await world.service.end("X1")
            assert len(world.carrier.hang_ups) == 1
            record = await world.service.find("X1")
            assert record.state is CallState.HANGUP_BOT

    virtually(main)


def test_a_late_event_of_a_finished_call_creates_nothing(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(ended())
            late = answered(wants_instructions=True)
            assert await world.manager.apply([late]) == [HangUp()]
            assert world.service.live_calls() == []
            assert (await world.service.find("X1")).state is CallState.HANGUP_USER

    virtually(main)


def test_speaking_on_a_call_that_nobody_answered_is_refused(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            with pytest.raises(CallStateError, match="answered"):
                await world.service.speak(call.record.call_id, "hello?")

    virtually(main)


def test_a_call_that_gets_a_second_id_is_found_by_both(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            second = CarrierCallId("X1-second")
            renamed = CallRenamed(key="r", carrier_call_id=second, previous_id=X1)
            await world.manager.apply([renamed])
            assert call.record.carrier_call_id == second
            over = CallEnded(key="e", carrier_call_id=second, cause=EndCause.BUSY)
            await world.manager.apply([over])
            assert (await world.service.find("X1")).state is CallState.BUSY
            assert (await world.service.find("X1-second")).state is CallState.BUSY

    virtually(main)


def test_a_client_that_goes_away_while_the_call_is_stored_leaves_no_dead_record(
    gateway: Any, virtually: Any
) -> None:
    from voicecall.calls.memory_store import MemoryStore

    class Slow(MemoryStore):
        async def append(self, events: Any) -> None:
            await super().append(events)
            await anyio.sleep(1)

    async def main() -> None:
        async with gateway(store=Slow()) as world:
            with anyio.move_on_after(0.5):
                await world.place()
            assert len(world.carrier.orders) == 1
            (record,) = world.service.live_calls()
            assert record.carrier_call_id == X1

    virtually(main)


def test_a_secret_that_is_no_ascii_is_a_wrong_secret(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place()
            forged = CallEnded(
                key="e",
                carrier_call_id=CarrierCallId("other"),
                call_id=call.record.call_id,
                call_secret="geheimnisträger",
                cause=EndCause.COMPLETED,
            )
            await world.manager.apply([forged])
            assert call.record.is_live

    virtually(main)


@pytest.mark.parametrize(
    ("mode", "voicemail", "awaited"),
    [
        (CallMode.NOTIFY, {}, True),
        (TALK, {}, False),
        (TALK, {"onMachine": "message"}, True),
        (CallMode.NOTIFY, {"onMachine": "hangup"}, False),
    ],
)
def test_the_beep_is_awaited_where_a_message_will_be_left(
    gateway: Any, virtually: Any, mode: Any, voicemail: Any, awaited: bool
) -> None:
    async def main() -> None:
        async with gateway(detect_machine=True, voicemail=voicemail) as world:
            await world.place(mode=mode)
            (order,) = world.carrier.orders
            assert (order.detect_machine, order.await_beep) == (True, awaited)

    virtually(main)


def test_no_beep_is_awaited_where_nobody_listens_for_machines(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            await world.place()
            assert not world.carrier.orders[0].await_beep

    virtually(main)
