"""Who gets what the caller says, and what is kept of our answer?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.line import Heard
from voicecall.model.call import CallMode, CallState, Speaker
from voicecall.model.carrier_events import (
    CallAnswered,
    CallEnded,
    EndCause,
    EndedBy,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.speech import EndCall, ReplyText

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def ended(cause: EndCause = EndCause.COMPLETED) -> CallEnded:
    return CallEnded(key="e", carrier_call_id=X1, cause=cause, ended_by=EndedBy.CALLEE)


def test_continue_takes_the_next_final_transcript_and_the_responder_does_not(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="never"))
        async with gateway(responder=responder) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            await world.connect(call)

            async def answer() -> None:
                await anyio.sleep(2)
                await call.conversation.heard(Heard(text=""))
                await call.conversation.heard(Heard(text="forty two"))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(answer)
                heard = await world.service.continue_call(call.record.call_id, "How many?")
            await anyio.wait_all_tasks_blocked()
            assert heard == "forty two"
            assert responder.turns == []
            assert len(call.record.turns) == 1

    virtually(main)


def test_a_reply_enters_the_transcript_as_far_as_it_was_heard(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(ReplyText(text="I will tell you all"))) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="tell me"))
            await voice.interrupt()
            await world.service.end(call.record.call_id)
            user, bot = call.record.transcript
            assert (user.speaker, user.text) == (Speaker.USER, "tell me")
            assert (bot.text, bot.heard) == ("I will tell you all", "I")

    virtually(main)


def test_a_call_that_ends_in_the_middle_of_a_line_keeps_what_was_heard(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place("A very long greeting indeed", mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            await call.tell(ended())
            await call.ended.wait()
            (line,) = call.record.transcript
            assert line.heard == "A"
            assert [
                type(event).__name__ for event in await world.store.events(call.record.call_id)
            ][-2:] == ["LineSaid", "CallFinished"]

    virtually(main)


def test_hanging_up_waits_for_the_farewell(gateway: Any, virtually: Any, echo: Any) -> None:
    async def main() -> None:
        farewell = echo(ReplyText(text="Good bye and thanks. "), EndCall())
        async with gateway(responder=farewell) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            await call.conversation.heard(Heard(text="bye"))
            assert world.carrier.hang_ups == []
            await call.ended.wait()
            assert call.record.transcript[-1].text == "Good bye and thanks."
            assert call.record.transcript[-1].heard is None
            assert call.record.state is CallState.HANGUP_BOT

    virtually(main)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_farewell_that_is_spoken_into_ends_the_call_only_if_nothing_more_is_said(
    gateway: Any, virtually: Any, echo: Any, goes_on: bool
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="Good bye and many thanks to you. "), EndCall())
        async with gateway(responder=responder) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="bye"))
            await voice.interrupt()
            await anyio.sleep(4)
            assert call.record.is_live
            if goes_on:
                responder.parts = [ReplyText(text="What is it?")]
                await call.conversation.heard(Heard(text="one more thing"))
            await anyio.sleep(20)
            assert call.record.is_live is goes_on

    virtually(main)


def test_a_slow_responder_is_replaced_by_an_apology(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        slow = echo(ReplyText(text="too late"), delay=60)
        async with gateway(responder=slow, responseTimeoutMs=3000) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="hello?"))
            assert voice.said[-1].text.startswith("Sorry")

    virtually(main)


@pytest.mark.parametrize(
    "broken", [SystemExit(3), KeyError("turn"), object()], ids=["exits", "raises", "junk"]
)
def test_a_broken_responder_is_named_and_the_caller_hears_an_apology(
    gateway: Any, virtually: Any, echo: Any, caplog: Any, broken: Any
) -> None:
    class Broken(type(echo())):  # type: ignore[misc]
        async def respond(self, turn: Any, out: Any) -> None:
            if isinstance(broken, BaseException):
                raise broken
            await out.write(broken)

    async def main() -> None:
        async with gateway(responder=Broken()) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="hello?"))
            assert voice.said[-1].text.startswith("Sorry")
            assert call.record.is_live

    virtually(main)
    (warning,) = [each for each in caplog.records if "gave no reply" in each.message]
    assert f"responder of {__name__.partition('.')[0]}" in warning.message


def test_sentences_are_queued_while_the_responder_still_writes(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        parts = [ReplyText(text=text) for text in ("One. Tw", "o is here. Thr", "ee")]
        async with gateway(responder=echo(*parts)) as world:
            call = await world.place(None, mode=TALK)
            await call.tell(answered())
            voice = await world.connect(call)
            await call.conversation.heard(Heard(text="count"))
            assert [speech.text for speech in voice.said] == ["One.", "Two is here.", "Three"]

    virtually(main)
