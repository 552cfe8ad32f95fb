"""Does a call without media streams speak and listen as well?"""

from __future__ import annotations

from typing import Any

from voicecall.model.call import CallMode, CallState, Speaker
from voicecall.model.carrier_events import (
    CallAnswered,
    InstructionsWanted,
    SpeechEnded,
    SpeechHeard,
)
from voicecall.model.ids import CarrierCallId, TurnToken
from voicecall.model.instructions import (
    Gather,
    Pause,
    Say,
)
from voicecall.model.speech import EndCall, ReplyText

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def test_a_native_greeting_speaks_and_listens_in_one_answer(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Who is there?", mode=TALK)
            say, gather = await call.tell(answered(wants_instructions=True))
            assert isinstance(say, Say) and say.text == "Who is there?"
            assert isinstance(gather, Gather) and gather.turn == say.turn
            assert world.carrier.commands == []

    virtually(main)


def test_a_native_answer_reaches_the_responder_and_the_reply_comes_by_command(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="Nice to meet you."), delay=2)
        async with gateway(streams=False, document=True, responder=responder) as world:
            call = await world.place("Who is there?", mode=TALK)
            _, gather = await call.tell(answered(wants_instructions=True))
            heard = SpeechHeard(
                key="s1", carrier_call_id=X1, text="Bob", turn=gather.turn, wants_instructions=True
            )
            waiting = world.carrier.commanded
            (keep_alive,) = await call.tell(heard)
            assert isinstance(keep_alive, Pause)
            await waiting.wait()
            say, listen = world.carrier.commands[-1]
            assert say.text == "Nice to meet you."
            assert isinstance(listen, Gather) and listen.turn != gather.turn

    virtually(main)


def test_a_native_farewell_is_followed_by_the_end_and_not_by_listening(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="Good bye."), EndCall())
        async with gateway(streams=False, document=True, responder=responder) as world:
            call = await world.place("Who is there?", mode=TALK)
            _, gather = await call.tell(answered(wants_instructions=True))
            waiting = world.carrier.commanded
            await call.tell(SpeechHeard(key="s", carrier_call_id=X1, text="Bye", turn=gather.turn))
            await waiting.wait()
            ((say,),) = world.carrier.commands
            assert say.text == "Good bye."
            await call.tell(SpeechEnded(key="e", carrier_call_id=X1, turn=say.turn, complete=True))
            await call.ended.wait()
            assert call.record.state is CallState.HANGUP_BOT
            assert call.record.transcript[-1].text == "Good bye."

    virtually(main)


def test_a_stale_native_answer_cannot_satisfy_a_newer_turn(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="no"))
        async with gateway(streams=False, document=True, responder=responder) as world:
            call = await world.place("Who?", mode=TALK)
            await call.tell(answered(wants_instructions=True))
            stale = SpeechHeard(key="s", carrier_call_id=X1, text="Bob", turn=TurnToken("old"))
            await call.tell(stale)
            assert responder.turns == []
            assert all(line.speaker is Speaker.BOT for line in call.record.transcript)

    virtually(main)


def test_a_native_line_that_ran_dry_listens_again_with_a_new_turn(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(streams=False, document=True) as world:
            call = await world.place("Who?", mode=TALK)
            _, first = await call.tell(answered(wants_instructions=True))
            await call.tell(SpeechEnded(key="se", carrier_call_id=X1, turn=first.turn))
            more = InstructionsWanted(key="iw", carrier_call_id=X1, wants_instructions=True)
            (second,) = await call.tell(more)
            assert isinstance(second, Gather) and second.turn != first.turn

    virtually(main)
