"""Does the network speak and listen by itself? Say, Gather, Play, Pause, Transfer, HangUp."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CarrierCallGone,
    CarrierRejected,
    DigitsPressed,
    EndCause,
    EndedBy,
    Gather,
    HangUp,
    Instruction,
    InstructionsWanted,
    NothingHeard,
    Pause,
    Play,
    Say,
    SpeechEnded,
    SpeechHeard,
    Transfer,
    TurnToken,
)

pytestmark = pytest.mark.anyio

NUMBER = "+15550001111"
TURN = TurnToken("turn-1")


def prompt(text: str = "What is your name?", timeout: float = 20.0) -> list[Instruction]:
    return [Say(text=text, turn=TURN), Gather(turn=TURN, timeout_seconds=timeout)]


def answering(instructions: list[Instruction], kind: type = CallAnswered) -> Any:
    return lambda event: instructions if isinstance(event, kind) else [Pause(seconds=600)]


async def heard(gateway: Any, call: Any) -> list[str]:
    lines = await gateway.ask_network("GET", f"/v1/calls/{call.carrier_call_id}/lines")
    return [line["text"] for line in lines["lines"] if line["kind"] == "heard"]


async def test_a_prompt_is_heard_and_its_answer_carries_the_turn(world: Any) -> None:
    steps = [{"listen": "What is your name?"}, {"say": "Bob"}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = answering(prompt())
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            answer = await gateway.until(SpeechHeard)
            texts = await heard(gateway, call)
    assert (answer.text, answer.turn, answer.wants_instructions) == ("Bob", TURN, True)
    assert texts == ["What is your name?"]
    (spoken,) = [event for event in gateway.events if isinstance(event, SpeechEnded)]
    assert (spoken.turn, spoken.complete, spoken.wants_instructions) == (TURN, True, False)


async def test_an_answer_into_the_prompt_cuts_it(world: Any) -> None:
    long = "I am going to tell you all the options that this menu has, one by one by one"
    steps = [{"interrupt": "Operator", "afterMs": 300}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = answering(prompt(long))
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            answer = await gateway.until(SpeechHeard)
            spoken = await gateway.until(SpeechEnded)
    assert (answer.text, spoken.complete) == ("Operator", False)


async def test_keys_answer_a_prompt_as_one_number(world: Any) -> None:
    steps = [{"listen": True}, {"press": "123#"}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = answering(prompt())
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            answer = await gateway.until(DigitsPressed)
    assert (answer.digits, answer.turn, answer.wants_instructions) == ("123#", TURN, True)


async def test_silence_after_a_prompt_is_told(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = answering(prompt(timeout=3.0))
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            nothing = await gateway.until(NothingHeard)
    assert (nothing.turn, nothing.wants_instructions) == (TURN, True)


async def test_a_message_is_followed_by_a_hang_up_in_the_same_document(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = answering([Say(text="The pizza is ready"), HangUp()])
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            ended = await gateway.until(CallEnded)
            await gateway.ask_network("GET", f"/v1/calls/{call.carrier_call_id}/lines?after=1")
            texts = await heard(gateway, call)
    assert (ended.cause, ended.ended_by) == (EndCause.COMPLETED, EndedBy.API)
    assert texts == ["The pizza is ready"]


async def test_when_the_document_is_done_the_network_asks_for_more(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = answering([Pause(seconds=1)])
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            wanted = await gateway.until(InstructionsWanted)
    assert wanted.wants_instructions


async def test_a_command_replaces_what_is_being_said(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = answering([Say(text="one " * 400, turn=TURN)])
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(CallAnswered)
            await gateway.provider.command(call, [Say(text="two", turn=TurnToken("t2"))])
            await gateway.until(SpeechEnded, lambda e: e.turn == "t2" and e.complete)
    spoken = [event for event in gateway.events if isinstance(event, SpeechEnded)]
    assert not [event for event in spoken if event.turn == TURN and event.complete]


async def test_a_command_to_a_ringing_or_ended_call_is_refused(world: Any) -> None:
    async with world(phones={NUMBER: {"answerAfterMs": 20_000}}) as gateway:
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            with pytest.raises(CarrierRejected):
                await gateway.provider.command(call, [Say(text="Hello")])
            await gateway.provider.hang_up(call)
            with pytest.raises(CarrierCallGone):
                await gateway.provider.command(call, [Say(text="Hello")])


async def test_a_file_is_played(world: Any, tmp_path: Path) -> None:
    sound = tmp_path / "jingle.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(b"\x00\x40\x00\xc0\x00\x40\x00\xc0" * 8000)
    async with world(phones={NUMBER: {"steps": [{"listen": True}, {"hangUp": True}]}}) as gateway:
        gateway.answer = answering([Play(url=sound.as_uri())])
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(InstructionsWanted)


async def test_a_transfer_ends_the_call_and_is_remembered(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = answering([Transfer(to="+15550002222")])
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            ended = await gateway.until(CallEnded)
    assert (ended.cause, ended.detail) == (EndCause.COMPLETED, "transferred")
