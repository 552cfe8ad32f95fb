"""Does a provider that fails, refuses or raises what it must not, harm more than what it did?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.calls.memory_store import MemoryStore
from voicecall.errors import (
    CapabilityMissing,
    CapacityExceeded,
    CarrierCallGone,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    SpeechError,
    StoreError,
)
from voicecall.model.call import CallMode, CallState, Direction
from voicecall.model.carrier_events import (
    CallAnswered,
    CallOffered,
    StreamChange,
    StreamChanged,
)
from voicecall.model.ids import CarrierCallId, new_stream_token
from voicecall.model.instructions import Answer, Gather, OpenStream, SendDigits
from voicecall.model.speech import PressDigits, TransferCall
from voicecall.sdk.provider import Live, Unknown
from voicecall.service import CallRequest

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def offered(**values: Any) -> CallOffered:
    return CallOffered(
        key="o",
        carrier_call_id=CarrierCallId("IN"),
        direction=Direction.INBOUND,
        from_number="+15550003333",
        to_number="+15550001111",
        **values,
    )


@pytest.mark.parametrize("action", [PressDigits(digits="1"), TransferCall(to="+15550009999")])
def test_a_missing_capability_does_not_end_the_call(
    gateway: Any, virtually: Any, echo: Any, action: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(action)) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            await anyio.sleep(0.1)
            world.carrier.refuses_commands = CapabilityMissing("transfer", plugin="acme")
            await call.conversation.heard(Heard(text="do it"))
            await anyio.sleep(60)
            assert call.record.is_live

    virtually(main)


def test_a_hang_up_that_raises_anything_ends_the_record_and_no_other_call(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(maxConcurrentCalls=2) as world:
            call, other = await world.place(), await world.place()
            world.carrier.refuses_hang_ups = KeyError("sid")
            await world.service.end(call.record.call_id)
            assert call.record.state is CallState.HANGUP_BOT
            assert other.record.is_live

    virtually(main)


def test_a_status_that_raises_anything_leaves_the_call_to_its_timers(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            world.carrier.refuses_questions = KeyError("status")
            await call.conversation.line_down(voice, "cut")
            await anyio.sleep(1)
            assert call.record.is_live

    virtually(main)


def test_a_dial_that_raises_anything_frees_its_slot(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(maxConcurrentCalls=1) as world:
            world.carrier.refuses, world.carrier.answer_status = KeyError("sid"), Unknown()
            with pytest.raises(CarrierUnreachable, match="KeyError"):
                await world.place()
            world.carrier.refuses = None
            await world.place()

    virtually(main)


def test_a_refused_caller_who_cannot_be_rejected_harms_nobody(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            world.carrier.refuses_commands = CapabilityMissing("inbound", plugin="acme")
            await world.manager.apply([offered()])
            await anyio.sleep(0.1)
            assert (await world.place()).record.is_live

    virtually(main)


def test_a_refused_stream_ends_the_call_with_the_reason_of_the_carrier(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            world.carrier.refuses_commands = CarrierRejected("stream_url is not allowed")
            await call.tell(answered())
            with anyio.fail_after(5):
                await call.ended.wait()
            assert call.record.state is CallState.ERROR
            assert "stream_url is not allowed" in (call.record.end_detail or "")

    virtually(main)


def test_a_second_stream_that_is_refused_does_not_end_a_call_that_has_one(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            world.carrier.refuses_commands = CarrierRejected("a stream is running already")
            call.deliver([OpenStream(url="ws://here", token=new_stream_token())])
            await anyio.sleep(30)
            assert call.record.is_live

    virtually(main)


def test_a_stream_that_may_be_asked_for_again_is_asked_for_again(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            world.carrier.refuses_commands = CarrierRateLimited("slow down")
            await call.tell(answered())
            await anyio.sleep(0.5)
            world.carrier.refuses_commands = None
            await anyio.sleep(2)
            assert len(world.carrier.commands) == 2
            assert call.record.is_live

    virtually(main)


def test_a_stream_that_the_carrier_reports_failed_is_asked_for_again_once(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            failed = StreamChanged(key="f", carrier_call_id=X1, change=StreamChange.FAILED)
            await call.tell(failed)
            await call.tell(failed)
            await anyio.sleep(2)
            assert len(world.carrier.commands) == 2

    virtually(main)


@pytest.mark.parametrize("status", [Live(), Unknown()])
def test_a_command_on_a_call_that_is_gone_is_not_repeated_for_ever(
    gateway: Any, virtually: Any, status: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            world.carrier.refuses_commands = CarrierCallGone("no such call")
            world.carrier.answer_status = status
            with anyio.fail_after(60):
                await call.tell(answered())
                await call.ended.wait()
            assert len(world.carrier.commands) < 5

    virtually(main)


def test_a_line_that_the_carrier_refused_to_speak_fails_and_the_next_is_spoken(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            await anyio.sleep(0.1)
            world.carrier.refuses_commands = CarrierRejected("no such voice")
            with pytest.raises(SpeechError, match="no such voice"):
                await world.service.speak(call.record.call_id, "One")
            world.carrier.refuses_commands = None
            world.tasks.start_soon(world.service.speak, call.record.call_id, "Two")
            await anyio.sleep(0.1)
            assert world.carrier.commands[-1][0].text == "Two"

    virtually(main)


def test_refused_keys_do_not_fail_what_is_being_spoken(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("A long greeting", mode=TALK)
            await call.tell(answered())
            await anyio.sleep(0.1)
            world.carrier.refuses_commands = CarrierRejected("no digits")
            call.deliver([SendDigits(digits="1")])
            await anyio.sleep(5)
            assert call.conversation.native.busy

    virtually(main)


def test_a_message_that_could_not_be_spoken_ends_a_notify_call_and_says_why(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Your parcel is here", mode=CallMode.NOTIFY)
            world.carrier.refuses_commands = CarrierRejected("no such voice")
            await call.tell(answered())
            with anyio.fail_after(10):
                await call.ended.wait()
            assert call.record.state is CallState.ERROR
            assert "no such voice" in (call.record.end_detail or "")

    virtually(main)


def test_a_call_that_was_ended_while_it_was_dialled_does_not_ring_on(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            world.carrier.dial_seconds = 5.0
            request = CallRequest(to_number="+15550002222", mode=TALK)
            world.tasks.start_soon(world.service.initiate, request)
            await anyio.sleep(1)
            (record,) = world.service.live_calls()
            await world.service.end(record.call_id)
            await anyio.sleep(10)
            assert world.carrier.hang_ups[-1].carrier_call_id == X1

    virtually(main)


def test_an_offer_that_was_stored_by_half_is_answered_when_it_comes_again(
    gateway: Any, virtually: Any
) -> None:
    class Failing(MemoryStore):
        appended = 0

        async def append(self, events: Any) -> None:
            self.appended += 1
            if self.appended == 2:
                raise StoreError("disk full")
            await super().append(events)

    async def main() -> None:
        async with gateway(
            document=True, streams=False, store=Failing(), inboundPolicy="open"
        ) as world:
            with pytest.raises(StoreError):
                await world.manager.apply([offered(wants_instructions=True)])
            again = await world.manager.apply([offered(wants_instructions=True)])
            assert isinstance(again[0], Answer) and isinstance(again[-1], Gather)
            assert len(world.service.live_calls()) == 1

    virtually(main)


def test_a_carrier_that_reports_the_answer_after_its_stream_opens_no_second_one(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await world.connect(call)
            await call.tell(answered())
            await anyio.sleep(1)
            assert not any(
                isinstance(each, OpenStream) for batch in world.carrier.commands for each in batch
            )

    virtually(main)


def test_a_full_queue_delays_the_opening_and_does_not_end_the_call(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("Hello there", mode=TALK)
            voice = await world.connect(call, CapacityExceeded("full"))
            await call.tell(answered())
            await anyio.sleep(1)
            assert call.record.is_live
            assert [speech.text for speech in voice.said] == ["Hello there"]

    virtually(main)
