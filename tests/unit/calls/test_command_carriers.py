"""Does a carrier that is steered by commands alone, without documents, get every instruction?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.model.call import CallMode, Direction, Speaker
from voicecall.model.carrier_events import (
    CallAnswered,
    CallOffered,
    CarrierEvent,
    DigitsPressed,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import (
    Answer,
    Gather,
    OpenStream,
    Say,
    SendDigits,
    StopSpeaking,
)
from voicecall.model.speech import PressDigits

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(carrier_call_id: CarrierCallId = X1) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=carrier_call_id)


def offered() -> CallOffered:
    return CallOffered(
        key="o",
        carrier_call_id=CarrierCallId("IN"),
        direction=Direction.INBOUND,
        from_number="+15550003333",
        to_number="+15550001111",
    )


async def told(call: Any, *events: CarrierEvent) -> None:
    for event in events:
        await call.tell(event)
    await anyio.sleep(0.1)


async def listened_to(world: Any, message: str | None = "Who?") -> tuple[Any, Gather]:
    """A call that was answered, whose greeting was heard, and its first listening turn."""
    call = await world.place(message, mode=TALK)
    await told(call, answered())
    if message is not None:
        (say,) = world.carrier.commands[-1]
        await told(call, SpeechEnded(key="greeted", carrier_call_id=X1, turn=say.turn))
    (gather,) = world.carrier.commands[-1]
    return call, gather


def kinds(batch: list[Any]) -> list[type]:
    return [type(each) for each in batch]


def test_a_caller_is_answered_by_command_and_spoken_to_when_that_took_effect(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, inboundPolicy="open", inboundGreeting="Hello.") as world:
            assert await world.manager.apply([offered()]) == []
            await anyio.sleep(0.1)
            assert world.carrier.commands == [[Answer()]]
            await world.manager.apply([answered(CarrierCallId("IN"))])
            await anyio.sleep(0.1)
            assert kinds(world.carrier.commands[-1]) == [Say]

    virtually(main)


def test_listening_starts_after_the_greeting(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Who?", mode=TALK)
            await told(call, answered())
            await anyio.sleep(5)
            assert [kinds(batch) for batch in world.carrier.commands] == [[Say]]
            (say,) = world.carrier.commands[-1]
            await told(call, SpeechEnded(key="se", carrier_call_id=X1, turn=say.turn))
            assert [kinds(batch) for batch in world.carrier.commands] == [[Say], [Gather]]
            assert call.record.greeted

    virtually(main)


def test_an_answered_caller_gets_a_stream(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(inboundPolicy="open") as world:
            await world.manager.apply([offered()])
            await world.manager.apply([answered(CarrierCallId("IN"))])
            await anyio.sleep(0.1)
            assert kinds(world.carrier.commands[-1]) == [OpenStream]

    virtually(main)


def test_a_call_without_a_message_is_listened_to(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place(None, mode=TALK)
            await told(call, answered())
            assert [kinds(batch) for batch in world.carrier.commands] == [[Gather]]

    virtually(main)


def test_listening_is_renewed_when_nothing_was_heard(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, first = await listened_to(world)
            await told(call, NothingHeard(key="n", carrier_call_id=X1, turn=first.turn))
            (second,) = world.carrier.commands[-1]
            assert isinstance(second, Gather) and second.turn != first.turn

    virtually(main)


def test_an_answer_of_which_nobody_makes_a_reply_does_not_end_the_listening(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, first = await listened_to(world)
            await told(call, SpeechHeard(key="s", carrier_call_id=X1, text="Me", turn=first.turn))
            (second,) = world.carrier.commands[-1]
            assert isinstance(second, Gather) and second.turn != first.turn

    virtually(main)


def test_after_an_empty_reply_the_caller_is_listened_to(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, responder=echo(delay=1)) as world:
            call, first = await listened_to(world)
            await told(call, SpeechHeard(key="s", carrier_call_id=X1, text="Me", turn=first.turn))
            assert len(world.carrier.commands) == 2
            await anyio.sleep(2)
            assert kinds(world.carrier.commands[-1]) == [Gather]

    virtually(main)


def test_after_pressing_keys_the_caller_is_listened_to(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, responder=echo(PressDigits(digits="1"))) as world:
            call, first = await listened_to(world)
            await told(call, SpeechHeard(key="s", carrier_call_id=X1, text="Me", turn=first.turn))
            assert kinds(world.carrier.commands[-1]) == [SendDigits, Gather]

    virtually(main)


@pytest.mark.parametrize("kind", [NothingHeard, DigitsPressed])
def test_a_prompt_that_was_listened_through_to_its_end_does_not_block_the_next(
    gateway: Any, virtually: Any, kind: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Who?", mode=TALK)
            _, gather = await call.tell(
                CallAnswered(key="a", carrier_call_id=X1, wants_instructions=True)
            )
            more = {"digits": "1"} if kind is DigitsPressed else {}
            event = kind(
                key="n", carrier_call_id=X1, turn=gather.turn, wants_instructions=True, **more
            )
            await told(call, event)
            world.tasks.start_soon(world.service.speak, call.record.call_id, "Next")
            await anyio.sleep(0.1)
            assert world.carrier.commands[-1][0].text == "Next"
            assert call.record.greeted

    virtually(main)


def test_an_answer_to_the_open_turn_is_kept_while_something_else_is_queued(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, _ = await listened_to(world, None)
            call_id = call.record.call_id
            world.tasks.start_soon(world.service.speak, call_id, "Who are you?")
            await anyio.sleep(0.1)
            _, gather = world.carrier.commands[-1]
            answers: list[str] = []

            async def ask() -> None:
                answers.append(await world.service.continue_call(call_id, "And?"))

            world.tasks.start_soon(ask)
            await anyio.sleep(0.1)
            await told(call, SpeechHeard(key="1", carrier_call_id=X1, text="Bob", turn=gather.turn))
            said = [line.text for line in call.record.transcript if line.speaker is Speaker.USER]
            assert (said, answers) == (["Bob"], [])
            *_, say, gather = world.carrier.commands[-1]
            assert say.text == "And?"
            await told(call, SpeechHeard(key="2", carrier_call_id=X1, text="Ann", turn=gather.turn))
            assert answers == ["Ann"]

    virtually(main)


def test_a_restored_call_is_listened_to_again(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as before:
            await listened_to(before)
            store = before.store
        async with gateway(streams=False, store=store) as after:
            (restored,) = await after.manager.restore()
            restored.spawn(restored.reconcile)
            await anyio.sleep(0.1)
            assert [kinds(batch) for batch in after.carrier.commands] == [[Gather]]

    virtually(main)


def test_a_greeting_that_a_former_gateway_began_is_stopped_before_it_is_said_anew(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as before:
            call = await before.place("Who is there?", mode=TALK)
            await told(call, answered())
            store = before.store
        async with gateway(streams=False, store=store) as after:
            (restored,) = await after.manager.restore()
            restored.spawn(restored.reconcile)
            await anyio.sleep(0.1)
            assert [kinds(batch) for batch in after.carrier.commands] == [[StopSpeaking, Say]]

    virtually(main)


def test_keys_do_not_end_the_listening_of_a_command_carrier(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, gather = await listened_to(world)
            before = len(world.carrier.commands)
            for number, key in enumerate("12#"):
                await told(
                    call,
                    DigitsPressed(
                        key=str(number), carrier_call_id=X1, digits=key, turn=gather.turn
                    ),
                )
            assert len(world.carrier.commands) == before
            assert call.record.digits == "12#"
            await told(call, SpeechHeard(key="s", carrier_call_id=X1, text="Me", turn=gather.turn))
            assert [line.text for line in call.record.transcript] == ["Who?", "Me"]

    virtually(main)
