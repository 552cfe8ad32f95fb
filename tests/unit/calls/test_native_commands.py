"""Is a carrier that speaks and listens by command stopped, believed and not waited for?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.model.call import CallMode, CallState, Speaker
from voicecall.model.call_events import PartialHeard
from voicecall.model.carrier_events import (
    CallAnswered,
    CarrierEvent,
    DigitsPressed,
    MachineDetected,
    MachineResult,
    SpeechEnded,
    SpeechHeard,
)
from voicecall.model.ids import CarrierCallId, TurnToken
from voicecall.model.instructions import Gather, Pause, Say, StopSpeaking
from voicecall.model.speech import ReplyText

X1 = CarrierCallId("X1")
TALK, NOTIFY = CallMode.CONVERSATION, CallMode.NOTIFY
STORY = "Once upon a time there was a telephone that nobody answered for a hundred years"


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def heard(text: str, turn: TurnToken | None, *, final: bool = True) -> SpeechHeard:
    return SpeechHeard(
        key=f"{text} {final}", carrier_call_id=X1, text=text, turn=turn, is_final=final
    )


def ended(turn: TurnToken | None, *, key: str = "e", complete: bool = True) -> SpeechEnded:
    return SpeechEnded(key=key, carrier_call_id=X1, turn=turn, complete=complete)


def machine(result: MachineResult, key: str = "m", **values: Any) -> MachineDetected:
    return MachineDetected(key=key, carrier_call_id=X1, result=result, **values)


async def told(call: Any, *events: CarrierEvent) -> None:
    for event in events:
        await call.tell(event)
    await anyio.sleep(0.1)


async def telling(world: Any) -> tuple[Any, TurnToken]:
    """A call on which `STORY` is being told since a second, and its turn."""
    call = await world.place(None, mode=TALK)
    await told(call, answered())
    world.tasks.start_soon(world.service.speak, call.record.call_id, STORY)
    await anyio.sleep(1)
    say, gather = world.carrier.commands[-1]
    assert isinstance(say, Say) and isinstance(gather, Gather)
    return call, gather.turn


def sent(world: Any) -> list[Any]:
    return [each for batch in world.carrier.commands for each in batch]


def lines(call: Any) -> list[tuple[str, str, str | None]]:
    return [(line.speaker.value, line.text, line.heard) for line in call.record.transcript]


def test_a_caller_who_begins_to_speak_stops_us_and_is_listened_to(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="As you wish."))
        async with gateway(streams=False, responder=responder) as world:
            call, turn = await telling(world)
            await told(call, heard("stop", turn, final=False))
            assert world.carrier.commands[-1] == [StopSpeaking()]
            ((_, text, cut),) = lines(call)
            assert text == STORY and cut is not None
            assert cut and STORY.startswith(cut) and len(cut) < len(STORY) / 2
            await told(call, ended(turn, complete=False), heard("stop it", turn))
            assert [turn.text for turn in responder.turns] == ["stop it"]
            assert world.carrier.commands[-1][0].text == "As you wish."

    virtually(main)


def test_a_final_alone_stops_us_too(gateway: Any, virtually: Any, echo: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False, responder=echo(ReplyText(text="Yes?"))) as world:
            call, turn = await telling(world)
            await told(call, heard("hello", turn))
            *_, first, second, third = sent(world)
            assert first == StopSpeaking()
            assert [type(second), type(third)] == [Say, Gather]
            assert [speaker for speaker, _, _ in lines(call)] == ["bot", "user"]

    virtually(main)


@pytest.mark.parametrize("with_turn", [True, False])
def test_keys_stop_us(gateway: Any, virtually: Any, with_turn: bool) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, turn = await telling(world)
            key = DigitsPressed(
                key="d", carrier_call_id=X1, digits="1", turn=turn if with_turn else None
            )
            await told(call, key)
            assert world.carrier.commands[-1][0] == StopSpeaking()
            assert not call.conversation.native.busy

    virtually(main)


def test_the_greeting_is_not_interrupted(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place(STORY, mode=TALK)
            await told(call, answered(), DigitsPressed(key="d", carrier_call_id=X1, digits="1"))
            await told(call, heard("wait", None, final=False))
            ((say,),) = world.carrier.commands
            await told(call, ended(say.turn))
            assert lines(call) == [("bot", STORY, None)]
            assert call.record.digits == "1"

    virtually(main)


def test_a_backchannel_does_not_stop_us(gateway: Any, virtually: Any, echo: Any) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="What?"))
        async with gateway(streams=False, responder=responder) as world:
            call, turn = await telling(world)
            await told(call, heard("Mhm.", turn, final=False), heard("Mhm.", turn))
            assert StopSpeaking() not in world.carrier.commands[-1]
            assert call.conversation.native.busy
            assert responder.turns == []

    virtually(main)


def test_a_stale_partial_stops_nobody_and_is_not_shown(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, turn = await telling(world)
            async with world.service.watch() as events:
                await told(call, heard("old", TurnToken("old"), final=False))
                assert call.conversation.native.busy
                await told(call, heard("new", turn, final=False))
                with anyio.fail_after(1):
                    async for event in events:
                        if isinstance(event, PartialHeard):
                            assert event.text == "new"
                            break

    virtually(main)


def test_the_word_on_what_was_stopped_does_not_end_what_is_said_since(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, responder=echo(ReplyText(text=STORY))) as world:
            call, turn = await telling(world)
            await told(call, heard("hello", turn))
            *_, say, _ = sent(world)
            await told(call, ended(say.turn, complete=False))
            assert call.conversation.native.busy
            await told(call, ended(say.turn, key="e2"))
            assert lines(call)[-1] == ("bot", STORY, None)

    virtually(main)


def test_a_line_that_the_carrier_cut_is_kept_as_far_as_it_was_heard(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call, turn = await telling(world)
            await told(call, ended(turn, complete=False))
            ((_, _, cut),) = lines(call)
            assert cut and STORY.startswith(cut)

    virtually(main)


def test_a_lost_word_on_the_end_of_the_greeting_does_not_leave_the_call_deaf(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Hello there", mode=TALK)
            await told(call, answered())
            await anyio.sleep(9)
            assert len(world.carrier.commands) == 1
            await anyio.sleep(9)
            assert isinstance(world.carrier.commands[-1][0], Gather)
            assert call.record.greeted

    virtually(main)


def test_a_lost_word_on_the_end_of_a_message_does_not_keep_the_call_up(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Hello there", mode=NOTIFY)
            await told(call, answered())
            with anyio.fail_after(30):
                await call.ended.wait()
            assert call.record.state is CallState.COMPLETED

    virtually(main)


def test_a_document_carrier_is_never_stopped(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Hello there", mode=TALK)
            _, gather = await call.tell(answered(wants_instructions=True))
            assert call.conversation.native.busy
            await told(call, heard("who", gather.turn, final=False))
            await told(call, DigitsPressed(key="d", carrier_call_id=X1, digits="1"))
            assert world.carrier.commands == []

    virtually(main)


def test_a_document_carrier_that_listens_behind_a_prompt_has_said_it_after_its_time(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Hello there", mode=TALK)
            await call.tell(answered(wants_instructions=True))
            with anyio.fail_after(5):
                await call.conversation.speak("What is it?")
            say, gather = world.carrier.commands[-1]
            assert (say.text, gather.turn) == ("What is it?", say.turn)
            await anyio.sleep(1)
            assert [line.text for line in call.record.transcript] == ["Hello there", "What is it?"]
            assert call.record.state is CallState.LISTENING

    virtually(main)


def test_our_line_stands_before_the_answer_to_it(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Who is there?", mode=TALK)
            _, gather = await call.tell(answered(wants_instructions=True))
            await told(call, heard("Bob", gather.turn))
            assert [line.speaker for line in call.record.transcript] == [Speaker.BOT, Speaker.USER]

    virtually(main)


def test_a_message_that_the_carrier_cut_is_said_once_more(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Your parcel is here", mode=NOTIFY)
            await told(call, answered())
            (first,) = world.carrier.commands[-1]
            await told(call, ended(first.turn, complete=False))
            await anyio.sleep(2)
            (second,) = world.carrier.commands[-1]
            assert (second.text, second.turn == first.turn) == (first.text, False)
            await told(call, ended(second.turn, key="e2", complete=False))
            await call.ended.wait()
            assert call.record.state is CallState.ERROR
            assert "cut" in (call.record.end_detail or "")

    virtually(main)


def test_a_machine_stops_the_message_which_is_said_after_its_beep(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Your parcel is here", mode=NOTIFY)
            await told(call, answered())
            await told(call, machine(MachineResult.MACHINE))
            assert world.carrier.commands[-1] == [StopSpeaking()]
            assert lines(call) == []
            await told(call, machine(MachineResult.BEEP, "b"))
            (say,) = world.carrier.commands[-1]
            assert say.text == "Your parcel is here"
            await told(call, ended(say.turn))
            await call.ended.wait()
            assert call.record.state is CallState.VOICEMAIL

    virtually(main)


def test_a_machine_that_is_told_with_the_answer_is_not_spoken_to_before_its_beep(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Your parcel is here", mode=NOTIFY)
            (keep_alive,) = await world.manager.apply(
                [answered(wants_instructions=True), machine(MachineResult.MACHINE)]
            )
            assert isinstance(keep_alive, Pause)
            await told(call, machine(MachineResult.BEEP, "b"))
            assert world.carrier.commands[-1][0].text == "Your parcel is here"

    virtually(main)


def test_a_person_who_is_told_with_the_answer_is_spoken_to_at_once(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            await world.place("Your parcel is here", mode=NOTIFY)
            (say,) = await world.manager.apply(
                [
                    answered(wants_instructions=True),
                    machine(MachineResult.HUMAN, wants_instructions=True),
                ]
            )
            assert say.text == "Your parcel is here"

    virtually(main)


def test_a_machine_that_is_told_with_the_answer_by_a_command_carrier_waits_too(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False) as world:
            call = await world.place("Your parcel is here", mode=NOTIFY)
            assert await world.manager.apply([answered(), machine(MachineResult.MACHINE)]) == []
            await anyio.sleep(0.1)
            assert sent(world) == [] or sent(world)[-1] == StopSpeaking()
            await told(call, machine(MachineResult.BEEP, "b"))
            assert world.carrier.commands[-1][0].text == "Your parcel is here"

    virtually(main)


def test_a_native_voice_is_named_with_everything_that_is_said_and_heard(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, voice="nova", language="de-DE") as world:
            await telling(world)
            say, gather = world.carrier.commands[-1]
            assert (say.voice, say.language, gather.language) == ("nova", "de-DE", "de-DE")

    virtually(main)
