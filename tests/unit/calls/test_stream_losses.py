"""Is a media stream that is lost again and again given up, and one that held asked for at once?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.stream_losses import MOST_LOSSES, STEADY_SECONDS, StreamLosses
from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import CallAnswered
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import OpenStream


def answered() -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=CarrierCallId("X1"))


def streams_asked(world: Any) -> int:
    return sum(isinstance(each, OpenStream) for batch in world.carrier.commands for each in batch)


def test_losses_in_a_row_are_followed_by_ever_longer_pauses_and_then_by_none() -> None:
    losses = StreamLosses()
    assert [losses.pause_after(0.1) for _ in range(MOST_LOSSES)] == [0.0, 0.5, 1.0, 2.0, None]


def test_a_stream_that_held_makes_the_next_loss_the_first() -> None:
    losses = StreamLosses()
    for _ in range(3):
        losses.pause_after(0.0)
    assert losses.pause_after(STEADY_SECONDS) == 0.0
    assert losses.pause_after(0.1) == 0.0


def test_a_stream_that_fails_at_once_is_asked_for_a_few_times_and_ends_the_call(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("Hi", mode=CallMode.CONVERSATION)
            await call.tell(answered())
            with anyio.fail_after(30):
                while not streams_asked(world):
                    await anyio.sleep(0.05)
                while not call.ended.is_set():
                    asked = streams_asked(world)
                    voice = await world.connect(call)
                    await call.conversation.line_down(voice, "the session failed")
                    while streams_asked(world) == asked and not call.ended.is_set():
                        await anyio.sleep(0.05)
            record = call.record
            assert record.state is CallState.ERROR
            assert "5 media streams in a row" in record.end_detail
            assert "the session failed" in record.end_detail
            assert streams_asked(world) == MOST_LOSSES
            assert len(world.carrier.hang_ups) == 1

    virtually(main)


@pytest.mark.parametrize("lasted", [6.0, 60.0])
def test_a_stream_that_is_lost_now_and_then_comes_back_every_time(
    gateway: Any, virtually: Any, lasted: float
) -> None:
    async def main() -> None:
        async with gateway(maxDurationSeconds=3600) as world:
            call = await world.place("Hi", mode=CallMode.CONVERSATION)
            await call.tell(answered())
            for round_ in range(2 * MOST_LOSSES):
                await anyio.sleep(0.1)
                assert streams_asked(world) == round_ + 1
                voice = await world.connect(call)
                await anyio.sleep(lasted)
                await call.conversation.line_down(voice, "the media socket closed")
                await anyio.sleep(0.5)
            assert call.record.is_live

    virtually(main)
