"""Do simulated people do what their script says? Outcomes, answering machines, keys, drops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import ValidationError

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    DigitsPressed,
    EndCause,
    Ended,
    EndedBy,
    Live,
    MachineDetected,
    MachineResult,
    MediaAudio,
    MediaDigit,
    MediaMark,
    PlaceMark,
    PlayAudio,
    SendDigits,
    StreamChange,
    StreamChanged,
)
from voicecall_mock.config import MockConfig
from voicecall_mock.network.person import sounds_like

pytestmark = pytest.mark.anyio

NUMBER = "+15550001111"
LOUD = b"\x00\x80" * 4000


@pytest.mark.parametrize(
    ("outcome", "cause", "ended_by"),
    [
        ("busy", EndCause.BUSY, EndedBy.CALLEE),
        ("reject", EndCause.REJECTED, EndedBy.CALLEE),
        ("unreachable", EndCause.FAILED, EndedBy.UNKNOWN),
        ("no-answer", EndCause.NO_ANSWER, EndedBy.UNKNOWN),
    ],
)
async def test_a_call_that_is_not_answered_tells_why(
    world: Any, outcome: str, cause: EndCause, ended_by: EndedBy
) -> None:
    async with world(phones={NUMBER: {"outcome": outcome}}) as gateway:
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER, ring_timeout_seconds=2.0)
            ended = await gateway.until(CallEnded)
            status = await gateway.provider.status(call)
    assert (ended.cause, ended.ended_by) == (cause, ended_by)
    assert isinstance(status, Ended) and status.cause is cause
    assert "CallAnswered" not in gateway.kinds()


async def test_a_call_is_canceled_while_it_rings_and_a_second_hang_up_is_fine(world: Any) -> None:
    async with world(phones={NUMBER: {"answerAfterMs": 20_000}}) as gateway:
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            assert await gateway.provider.status(call) == Live(answered=False)
            await gateway.provider.hang_up(call)
            await gateway.provider.hang_up(call)
            ended = await gateway.until(CallEnded)
    assert (ended.cause, ended.ended_by) == (EndCause.CANCELED, EndedBy.API)
    assert gateway.kinds().count("CallEnded") == 1


async def test_a_call_ends_when_it_reaches_its_longest_duration(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        with anyio.fail_after(20):
            await gateway.place(NUMBER, max_duration_seconds=3.0)
            ended = await gateway.until(CallEnded)
    assert ended.cause is EndCause.TIMEOUT


async def test_an_answering_machine_is_detected_and_its_message_recorded(world: Any) -> None:
    phone = {"outcome": "voicemail", "greeting": "Not at home"}
    async with world(phones={NUMBER: phone}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER, detect_machine=True)
            await gateway.until(MachineDetected, lambda e: e.result is MachineResult.MACHINE)
            await gateway.until(MachineDetected, lambda e: e.result is MachineResult.BEEP)
            await gateway.streams[0].send(PlayAudio(data=LOUD))
            ended = await gateway.until(CallEnded)
            lines = await gateway.ask_network("GET", f"/v1/calls/{call.carrier_call_id}/lines")
    assert ended.ended_by is EndedBy.CALLEE
    kinds = [(line["speaker"], line["kind"]) for line in lines["lines"]]
    assert kinds == [("phone", "said"), ("phone", "note"), ("us", "heard")]


async def test_a_person_is_detected_as_one(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        with anyio.fail_after(20):
            await gateway.place(NUMBER, detect_machine=True)
            found = await gateway.until(MachineDetected)
    assert found.result is MachineResult.HUMAN


async def test_keys_travel_in_the_stream_while_there_is_one_and_by_webhook_otherwise(
    world: Any,
) -> None:
    steps = [{"wait": 2000}, {"press": "12#"}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(StreamChanged)
            stream = gateway.streams[0]
            await stream.until(lambda event: event == MediaDigit(digit="#"))
        pressed = [event.digit for event in stream.events if isinstance(event, MediaDigit)]
    assert pressed == ["1", "2", "#"]
    assert "DigitsPressed" not in gateway.kinds()
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(DigitsPressed, lambda event: event.digits == "#")
    assert "".join(e.digits for e in gateway.events if isinstance(e, DigitsPressed)) == "12#"


async def test_digits_that_we_send_reach_the_phone_and_leave_the_stream_alone(world: Any) -> None:
    async with world(phones={NUMBER: {"steps": []}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER, dtmf_sequence="ww7")
            await gateway.until(StreamChanged)
            await gateway.provider.command(call, [SendDigits(digits="42#")])
            await gateway.streams[0].send(PlaceMark(name="alive"))
            await gateway.streams[0].until(lambda event: event == MediaMark(name="alive"))
            path = f"/v1/calls/{call.carrier_call_id}/lines"
            lines = (await gateway.ask_network("GET", path))["lines"]
    assert [line["text"] for line in lines if line["kind"] == "digits"] == ["ww7", "42#"]


async def test_a_person_interrupts_while_we_speak(world: Any) -> None:
    steps = [{"interrupt": "stop", "afterMs": 500}, {"hangUp": True}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]

        async def talk(stream: Any) -> None:
            await stream.until(lambda event: isinstance(event, MediaAudio))
            await stream.send(PlayAudio(data=LOUD * 10))
            await stream.send(PlaceMark(name="end"))

        gateway.on_stream = talk
        with anyio.fail_after(20):
            await gateway.place(NUMBER)
            await gateway.until(CallEnded)
    loud = [
        e for e in gateway.streams[0].events if isinstance(e, MediaAudio) and set(e.data) > {255}
    ]
    assert loud


async def test_a_dropped_stream_leaves_the_call_up_and_asks_what_to_do(world: Any) -> None:
    steps = [{"wait": 5000}, {"drop": "stream"}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(StreamChanged, lambda e: e.change is StreamChange.STOPPED)
            while len(gateway.streams) < 2:
                await anyio.lowlevel.checkpoint()
            assert await gateway.provider.status(call) == Live(answered=True)


async def test_a_dropped_network_tells_nobody_but_answers_when_asked(world: Any) -> None:
    steps = [{"wait": 500}, {"drop": "network"}]
    async with world(phones={NUMBER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(CallAnswered)
            while not gateway.streams:
                await anyio.lowlevel.checkpoint()
            await gateway.streams[0].closed.wait()
            status = await gateway.provider.status(call)
            await gateway.ask_network("GET", f"/v1/calls/{call.carrier_call_id}/lines?after=99")
    assert isinstance(status, Ended) and status.cause is EndCause.FAILED
    assert "CallEnded" not in gateway.kinds()


async def test_without_recording_nothing_is_written(world: Any, tmp_path: Path) -> None:
    async with world(record=False) as gateway:
        gateway.answer = lambda event: [gateway.open_stream()]
        with anyio.fail_after(20):
            call = await gateway.place(NUMBER)
            await gateway.until(StreamChanged)
            await gateway.provider.hang_up(call)
            await gateway.until(CallEnded)
    assert "RecordingReady" not in gateway.kinds()
    assert not (tmp_path / "mock").exists()


@pytest.mark.parametrize(
    "step", [{}, {"say": "a", "wait": 1}, {"dance": True}, {"press": "9w"}, {"listen": False}]
)
def test_a_step_that_is_not_exactly_one_thing_is_refused(step: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MockConfig.model_validate({"phones": {NUMBER: {"steps": [step]}}})


def test_words_are_recognised_in_spite_of_case_punctuation_and_small_errors() -> None:
    assert sounds_like("hello how are you", "Hello, how are you?")
    assert sounds_like("well hello how are you today my friend", "how are you")
    assert sounds_like("the pizza is ready now", "The pizza is ready, now!")
    assert not sounds_like("goodbye", "Hello, how are you?")
    assert not sounds_like("", "hello")
