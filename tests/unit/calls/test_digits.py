"""Does a call keep its stream when the carrier ends it for the sake of digits?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.durations import digits_seconds
from voicecall.calls.facts import Timer
from voicecall.calls.line import Heard
from voicecall.errors import CallStateError, CarrierCallGone, CarrierRejected
from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import CallAnswered, EndCause
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import OpenStream, SendDigits
from voicecall.model.speech import PressDigits
from voicecall.sdk.provider import Ended

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION
LONG = "W" * 20


async def talking(world: Any, **values: Any) -> tuple[Any, Any]:
    call = await world.place(None, mode=TALK, **values)
    await call.tell(CallAnswered(key="a", carrier_call_id=X1))
    voice = await world.connect(call)
    await anyio.sleep(0.1)
    world.carrier.commands.clear()
    return call, voice


def kinds(batch: list[Any]) -> list[type]:
    return [type(each) for each in batch]


@pytest.mark.parametrize(("digits", "seconds"), [("12#", 0.6), ("1w2W", 1.9), ("", 0.0)])
def test_digits_take_their_time(digits: str, seconds: float) -> None:
    assert digits_seconds(digits) == pytest.approx(seconds)


def test_the_stream_is_asked_for_again_with_the_digits(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(digits_end_stream=True) as world:
            call, voice = await talking(world)
            await world.service.send_digits(call.record.call_id, "123")
            assert [kinds(batch) for batch in world.carrier.commands] == [[SendDigits, OpenStream]]
            await call.conversation.line_down(voice, "the carrier ended the stream")
            await anyio.sleep(5)
            assert len(world.carrier.commands) == 1, "nobody cuts the digits"
            await world.connect(call)
            await anyio.sleep(0.1)
            assert Timer.STREAM not in call.armed

    virtually(main)


def test_digits_of_a_reply_bring_the_stream_back_too(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(PressDigits(digits="1"))
        async with gateway(digits_end_stream=True, responder=responder) as world:
            call, _ = await talking(world)
            await call.conversation.heard(Heard(text="press one"))
            await anyio.sleep(0.1)
            assert [kinds(batch) for batch in world.carrier.commands] == [[SendDigits, OpenStream]]

    virtually(main)


@pytest.mark.parametrize("streams", [True, False])
def test_digits_go_alone_where_no_stream_is_ended(
    gateway: Any, virtually: Any, streams: bool
) -> None:
    async def main() -> None:
        async with gateway(digits_end_stream=not streams, streams=streams) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            await anyio.sleep(0.1)
            await world.service.send_digits(call.record.call_id, "1")
            assert kinds(world.carrier.commands[-1]) == [SendDigits]

    virtually(main)


def test_a_stream_may_be_away_for_as_long_as_the_digits_take(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(digits_end_stream=True) as world:
            call, voice = await talking(world)
            await world.service.send_digits(call.record.call_id, LONG)
            await call.conversation.line_down(voice, "the carrier ended the stream")
            await anyio.sleep(15 + 18)
            assert call.record.is_live
            with anyio.fail_after(5):
                await call.ended.wait()
            assert call.record.state is CallState.ERROR

    virtually(main)


def test_the_first_stream_may_come_after_the_digits_that_were_dialled_with_the_call(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(None, mode=TALK, dtmf_sequence=LONG)
            await call.tell(CallAnswered(key="a", carrier_call_id=X1))
            await anyio.sleep(15 + 18)
            assert call.record.is_live
            with anyio.fail_after(5):
                await call.ended.wait()

    virtually(main)


def test_refused_digits_do_not_end_a_call_that_has_its_stream(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(digits_end_stream=True) as world:
            call, voice = await talking(world)
            world.carrier.refuses_commands = CarrierRejected("no digits now")
            with pytest.raises(CarrierRejected):
                await world.service.send_digits(call.record.call_id, "1")
            world.carrier.refuses_commands = None
            await anyio.sleep(30)
            assert call.record.is_live
            await call.conversation.line_down(voice, "cut")
            await anyio.sleep(1)
            assert kinds(world.carrier.commands[-1]) == [OpenStream], "the next loss is mended"

    virtually(main)


def test_digits_for_a_call_that_is_gone_record_its_end(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(digits_end_stream=True) as world:
            call, _ = await talking(world)
            world.carrier.refuses_commands = CarrierCallGone("over")
            world.carrier.answer_status = Ended(cause=EndCause.COMPLETED)
            with pytest.raises(CallStateError):
                await world.service.send_digits(call.record.call_id, "1")
            with anyio.fail_after(1):
                await call.ended.wait()

    virtually(main)
