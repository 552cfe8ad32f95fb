"""Is the greeting spoken once, and on whatever stream there is?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.replies import APOLOGY
from voicecall.errors import CarrierRejected
from voicecall.model.call import CallMode, CallState, Direction
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    CallOffered,
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


def offer() -> CallOffered:
    return CallOffered(
        key="o",
        carrier_call_id=X1,
        wants_instructions=True,
        direction=Direction.INBOUND,
        from_number="+15550009999",
        to_number="+15550001111",
    )


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


class Studio:
    """Takes `seconds` to make a phrase; knows which were asked for, and which were given up."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[str] = []
        self.given_up: list[str] = []

    async def prepare(self, record: Any, text: str) -> None:
        self.asked.append(text)
        try:
            await anyio.sleep(self.seconds)
        except BaseException:
            self.given_up.append(text)
            raise


def test_greeting_and_apology_are_made_while_the_phone_rings(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        studio = Studio()
        async with gateway(prepare=studio.prepare, responder=echo()) as world:
            await world.place("Hello there", mode=TALK)
            await anyio.sleep(1)
            assert studio.asked == ["Hello there", APOLOGY]

    virtually(main)


def test_nothing_is_made_for_a_call_that_the_carrier_did_not_take(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        studio = Studio()
        async with gateway(prepare=studio.prepare) as world:
            world.carrier.refuses = CarrierRejected("no such number")
            with pytest.raises(CarrierRejected):
                await world.place("Hello there", mode=TALK)
            await anyio.sleep(1)
            assert studio.asked == []

    virtually(main)


def test_the_message_of_a_notify_call_is_made_while_the_phone_rings(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        studio = Studio()
        options = {"voicemail": {"message": "You missed us."}}
        async with gateway(
            prepare=studio.prepare, responder=echo(), detect_machine=True, **options
        ) as world:
            await world.place("The pizza is ready", mode=CallMode.NOTIFY)
            await anyio.sleep(1)
            assert studio.asked == ["The pizza is ready", "You missed us."]

    virtually(main)


@pytest.mark.parametrize("document", [True, False])
def test_the_greeting_of_a_caller_is_made_at_the_offer(
    gateway: Any, virtually: Any, document: bool
) -> None:
    async def main() -> None:
        studio = Studio()
        own = {"+15550001111": {"inboundGreeting": "Acme, good morning."}}
        async with gateway(
            prepare=studio.prepare, document=document, inboundPolicy="open", numbers=own
        ) as world:
            await world.manager.apply([offer()])
            await anyio.sleep(0.1)
            assert studio.asked == ["Acme, good morning."]

    virtually(main)


def test_nothing_is_made_for_a_caller_who_is_refused(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        studio = Studio()
        async with gateway(prepare=studio.prepare, inboundPolicy="disabled") as world:
            await world.manager.apply([offer()])
            await anyio.sleep(0.1)
            assert studio.asked == []

    virtually(main)


def test_what_is_still_being_made_is_given_up_when_the_call_ends(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        studio = Studio(seconds=60)
        async with gateway(prepare=studio.prepare) as world:
            call = await world.place("Hello there", mode=TALK)
            await anyio.sleep(1)
            await call.tell(CallEnded(key="e", carrier_call_id=X1, cause=EndCause.NO_ANSWER))
            await call.ended.wait()
            await anyio.sleep(0.1)
            assert studio.given_up == ["Hello there"]

    virtually(main)


def test_a_call_that_is_answered_early_does_not_wait_for_its_greeting(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        studio = Studio(seconds=60)
        async with gateway(prepare=studio.prepare) as world:
            call = await world.place("Hello there", mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await voice.drained()
            assert [speech.text for speech in voice.said] == ["Hello there"]

    virtually(main)
