"""Is the greeting spoken once, and on whatever stream there is?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import (
    CallAnswered,
    EndCause,
    EndedBy,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import (
    OpenStream,
)
from voicecall.sdk.provider import Ended

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


@pytest.mark.parametrize("stream_first", [True, False])
def test_the_greeting_is_spoken_once_whichever_comes_first(
    gateway: Any, virtually: Any, stream_first: bool
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("Hello there", mode=TALK)
            if stream_first:
                voice = await world.connect(call)
                await call.tell(answered())
            else:
                await call.tell(answered())
                voice = await world.connect(call)
            await voice.drained()
            await call.tell(answered())
            assert [speech.text for speech in voice.said] == ["Hello there"]
            assert voice.said[0].protected

    virtually(main)


def test_a_greeting_that_was_lost_with_its_stream_is_spoken_on_the_next(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("Hello there my friend", mode=TALK)
            await call.tell(answered())
            first = await world.connect(call)
            await first.interrupt()
            await call.conversation.line_down(first, "cut")
            second = await world.connect(call)
            await anyio.sleep(1)
            assert [speech.text for speech in second.said] == ["Hello there my friend"]

    virtually(main)


def test_a_lost_stream_is_asked_for_again_while_the_call_is_up(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await voice.drained()
            before = len(world.carrier.commands)
            again = world.carrier.commanded
            await call.conversation.line_down(voice, "cut")
            await again.wait()
            (instruction,) = world.carrier.commands[before]
            assert isinstance(instruction, OpenStream)

    virtually(main)


def test_a_lost_stream_of_a_call_that_is_over_ends_the_record(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            world.carrier.answer_status = Ended(cause=EndCause.COMPLETED, ended_by=EndedBy.CALLEE)
            await call.conversation.line_down(voice, "cut")
            await call.ended.wait()
            assert call.record.state is CallState.HANGUP_USER

    virtually(main)
