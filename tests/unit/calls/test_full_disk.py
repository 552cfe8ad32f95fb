"""Does a running call come through a disk that is full for a while, with nothing lost?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from voicecall.calls.memory_store import MemoryStore
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, CallState
from voicecall.model.call_events import CallEvent
from voicecall.model.carrier_events import CallAnswered, CallEnded, EndCause, EndedBy
from voicecall.model.ids import CarrierCallId

X1 = CarrierCallId("X1")


class Disk(MemoryStore):
    """A store on a disk that may be full."""

    full = False

    async def append(self, events: Sequence[CallEvent]) -> None:
        if self.full:
            raise StoreError("the disk is full")
        await super().append(events)


def ended(ended_by: EndedBy) -> CallEnded:
    return CallEnded(key="e", carrier_call_id=X1, cause=EndCause.COMPLETED, ended_by=ended_by)


def test_a_notify_call_hangs_up_when_its_message_could_be_stored(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        disk = Disk()
        async with gateway(store=disk) as world:
            call = await world.place("one two three", mode=CallMode.NOTIFY)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            voice = await world.connect(call)
            disk.full = True
            await voice.drained()
            await anyio.sleep(10)
            assert call.record.is_live and call.record.transcript == ()
            disk.full = False
            with anyio.fail_after(10):
                await call.ended.wait()
            assert call.record.state is CallState.COMPLETED
            assert [line.text for line in call.record.transcript] == ["one two three"]

    virtually(main)


def test_an_end_that_can_be_stored_first_brings_what_was_said_before_it(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        disk = Disk()
        async with gateway(store=disk) as world:
            call = await world.place("Hello", mode=CallMode.CONVERSATION)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            await world.connect(call)
            await world.service.speak(call.record.call_id, "Good news")
            disk.full = True
            await world.service.speak(call.record.call_id, "Goodbye")
            with pytest.raises(StoreError):
                await call.tell(ended(EndedBy.CALLEE))
            disk.full = False
            await call.tell(ended(EndedBy.CALLEE))
            assert call.record.state is CallState.HANGUP_USER
            said = [line.text for line in call.record.transcript]
            assert said == ["Hello", "Good news", "Goodbye"]

    virtually(main)


def test_an_end_that_the_carrier_told_in_vain_is_noted_when_it_can_be(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        disk = Disk()
        async with gateway(store=disk, maxConcurrentCalls=1) as world:
            call = await world.place("Hello", mode=CallMode.CONVERSATION)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            disk.full = True
            for _ in range(4):
                with pytest.raises(StoreError):
                    await call.tell(ended(EndedBy.CALLEE))
            disk.full = False
            with anyio.fail_after(10):
                await call.ended.wait()
            assert call.record.state is CallState.HANGUP_USER
            await world.place("Next", mode=CallMode.CONVERSATION)

    virtually(main)


def test_who_ends_a_call_while_the_disk_is_full_is_told_and_it_is_noted_later(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        disk = Disk()
        async with gateway(store=disk) as world:
            call = await world.place("Hello", mode=CallMode.CONVERSATION)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            disk.full = True
            with anyio.fail_after(10), pytest.raises(StoreError, match="make room on the disk"):
                await world.service.end(call.record.call_id)
            assert len(world.carrier.hang_ups) == 1
            disk.full = False
            with anyio.fail_after(10):
                await world.service.end(call.record.call_id)
            assert len(world.carrier.hang_ups) == 1
            assert call.record.state is CallState.HANGUP_BOT

    virtually(main)


def test_why_we_hung_up_is_kept_when_the_carrier_reports_the_end_first(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("Hello", mode=CallMode.CONVERSATION)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            call.hang_up(CallState.ERROR, "no media stream came")
            await call.tell(ended(EndedBy.API))
            assert call.record.state is CallState.ERROR
            assert call.record.end_detail == "no media stream came"

    virtually(main)
