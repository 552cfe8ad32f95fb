"""Is every step of every turn on the record, whoever answers and however it ends?"""

from __future__ import annotations

from typing import Any

import anyio

from voicecall.calls.fold import fold
from voicecall.calls.line import Heard, Spoken
from voicecall.model.call import CallMode, TurnTiming
from voicecall.model.carrier_events import CallAnswered, CallEnded, EndCause
from voicecall.model.ids import CarrierCallId
from voicecall.model.speech import PressDigits, ReplyText

X1 = CarrierCallId("X1")
STEPS = (
    "speech_ended_at",
    "transcript_at",
    "reply_started_at",
    "first_audio_at",
    "first_frame_at",
    "first_heard_at",
)


async def connected(world: Any) -> tuple[Any, Any]:
    """A call that is answered, and its voice, which dates what it says."""
    call = await world.place(None, mode=CallMode.CONVERSATION)
    await call.tell(CallAnswered(key="a", carrier_call_id=X1))
    voice = await world.connect(call)
    settle = voice._settle

    def dated(job: Any, heard: str) -> None:
        settle(job, heard)
        now = job.began
        job.spoken = Spoken(
            text=job.speech.text,
            heard=heard,
            first_audio_at=now + 0.1,
            first_frame_at=now + 0.2,
            first_heard_at=now + 0.3,
        )

    speak = voice.speak

    def spoken(speech: Any) -> Any:
        job = speak(speech)
        job.began = call._tools.clock.wall()
        return job

    voice._settle, voice.speak = dated, spoken
    return call, voice


def said(call: Any, text: str) -> Heard:
    now = call._tools.clock.wall()
    return Heard(text=text, speech_ended_at=now - 0.8, transcript_at=now)


def steps(turn: TurnTiming) -> list[float | None]:
    return [getattr(turn, step) for step in STEPS]


def test_a_reply_is_timed_from_the_end_of_speech_to_the_callers_ear(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="Here you are. And more."), delay=0.5)
        async with gateway(responder=responder) as world:
            call, voice = await connected(world)
            await call.conversation.heard(said(call, "please"))
            await voice.drained()
            await anyio.sleep(0.1)
            (turn,) = call.record.turns
            found = steps(turn)
            assert None not in found and found == sorted(found)

    virtually(main)


def test_a_reply_that_is_cut_by_the_end_of_the_call_is_timed(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="a very long story " * 50))
        async with gateway(responder=responder) as world:
            call, voice = await connected(world)
            await call.conversation.heard(said(call, "please"))
            await anyio.sleep(1)
            await call.tell(CallEnded(key="e", carrier_call_id=X1, cause=EndCause.COMPLETED))
            await call.ended.wait()
            (turn,) = call.record.turns
            assert None not in steps(turn)

    virtually(main)


def test_a_turn_that_is_answered_by_deeds_has_what_is_known_of_it(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(PressDigits(digits="1"))) as world:
            call, voice = await connected(world)
            await call.conversation.heard(said(call, "press one"))
            await anyio.sleep(1)
            (turn,) = call.record.turns
            assert None not in steps(turn)[:3] and steps(turn)[3:] == [None] * 3

    virtually(main)


def test_a_turn_whose_reply_was_discarded_is_on_the_record(
    gateway: Any, virtually: Any, echo: Any
) -> None:
    async def main() -> None:
        async with gateway(responder=echo(ReplyText(text="late"), delay=60)) as world:
            call, voice = await connected(world)
            with anyio.move_on_after(1):
                await call.conversation.heard(said(call, "please"))
            await anyio.sleep(0.1)
            (turn,) = call.record.turns
            assert None not in steps(turn)[:2] and steps(turn)[2:] == [None] * 4

    virtually(main)


def test_what_an_agent_says_next_is_the_reply_to_what_it_was_answered(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call, voice = await connected(world)
            async with anyio.create_task_group() as agent:
                agent.start_soon(call.conversation.ask, "How many?")
                await anyio.sleep(2)
                await call.conversation.heard(said(call, "two"))
            await anyio.sleep(0.1)
            (turn,) = call.record.turns
            assert turn.number == 1 and steps(turn)[2:] == [None] * 4
            await call.conversation.speak("Two it is")
            await anyio.sleep(0.1)
            (turn,) = call.record.turns
            found = steps(turn)
            assert None not in found and found == sorted(found)
            await call.conversation.speak("Goodbye")
            await anyio.sleep(0.1)
            events = await world.store.events(call.record.call_id)
            assert call.record.turns == (turn,) == fold(events).turns

    virtually(main)


def test_turns_go_on_counting_after_a_restart(gateway: Any, virtually: Any, echo: Any) -> None:
    async def main() -> None:
        responder = echo(ReplyText(text="yes"))
        async with gateway(responder=responder) as world:
            call, voice = await connected(world)
            await call.conversation.heard(said(call, "one"))
            await voice.drained()
            await anyio.sleep(0.1)
            store = world.store
        async with gateway(responder=responder, store=store) as world:
            (call,) = await world.manager.restore()
            voice = await world.connect(call)
            await call.conversation.heard(said(call, "two"))
            await voice.drained()
            await anyio.sleep(0.1)
            assert [turn.number for turn in call.record.turns] == [1, 2]
            assert responder.turns[-1].number == 2

    virtually(main)
