"""Can a simulated person call us? Offered, answered or refused, heard to the end."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.sdk import (
    Answer,
    CallAnswered,
    CallEnded,
    CallOffered,
    EndCause,
    EndedBy,
    MediaAudio,
    MediaStarted,
    PlayAudio,
    Reject,
    RejectReason,
    Say,
)

pytestmark = pytest.mark.anyio

CALLER, CALLED = "+15550100001", "+15550009999"
LOUD = b"\x00\x80" * 8000


async def dial(gateway: Any, caller: str = CALLER) -> Any:
    order = {"fromNumber": caller, "toNumber": CALLED}
    return await gateway.ask_network("POST", "/v1/dial", order)


async def test_an_inbound_call_is_offered_answered_and_talked_through(world: Any) -> None:
    steps = [{"listen": True}, {"say": "I have a question"}, {"hangUp": True}]
    async with world(phones={CALLER: {"steps": steps}}) as gateway:
        gateway.answer = lambda event: [Answer(), gateway.open_stream()]

        async def greet(stream: Any) -> None:
            await stream.until(lambda event: isinstance(event, MediaAudio))
            await stream.send(PlayAudio(data=LOUD))

        gateway.on_stream = greet
        with anyio.fail_after(20):
            call = await dial(gateway)
            offered = await gateway.until(CallOffered)
            answered = await gateway.until(CallAnswered)
            ended = await gateway.until(CallEnded)
    assert (offered.from_number, offered.to_number) == (CALLER, CALLED)
    assert offered.wants_instructions and not answered.wants_instructions
    assert (ended.cause, ended.ended_by) == (EndCause.COMPLETED, EndedBy.CALLER)
    started = gateway.streams[0].events[0]
    assert isinstance(started, MediaStarted) and started.carrier_call_id == call["id"]


async def test_an_answer_without_more_is_followed_by_a_question_for_more(world: Any) -> None:
    async with world(phones={CALLER: {"steps": [{"listen": True}, {"hangUp": True}]}}) as gateway:
        answers = {CallOffered: [Answer()], CallAnswered: [Say(text="Hello caller")]}
        gateway.answer = lambda event: answers.get(type(event), ())
        with anyio.fail_after(20):
            call = await dial(gateway)
            answered = await gateway.until(CallAnswered)
            await gateway.until(CallEnded)
            await gateway.ask_network("GET", f"/v1/calls/{call['id']}/lines?after=9")
            lines = (await gateway.ask_network("GET", f"/v1/calls/{call['id']}/lines"))["lines"]
    assert answered.wants_instructions
    assert [line["text"] for line in lines] == ["Hello caller"]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [(RejectReason.REJECTED, EndCause.REJECTED), (RejectReason.BUSY, EndCause.BUSY)],
)
async def test_a_refused_caller_is_told_at_once_and_never_answered(
    world: Any, reason: RejectReason, cause: EndCause
) -> None:
    async with world() as gateway:
        gateway.answer = lambda event: [Reject(reason=reason)]
        with anyio.fail_after(20):
            call = await dial(gateway)
            ended = await gateway.until(CallEnded)
            end = await gateway.ask_network("GET", f"/v1/calls/{call['id']}/lines?after=9")
    assert ended.cause is cause
    assert (end["over"], end["cause"]) == (True, cause.value)
    assert gateway.kinds() == ["CallOffered", "CallEnded"]


async def test_a_call_that_nobody_decides_about_rings_until_it_is_given_up(world: Any) -> None:
    async with world(scale=100.0) as gateway:
        with anyio.fail_after(20):
            await dial(gateway)
            ended = await gateway.until(CallEnded)
    assert ended.cause is EndCause.NO_ANSWER


async def test_a_caller_without_a_number_is_refused_by_the_network(world: Any) -> None:
    async with world() as gateway:
        with anyio.fail_after(20):
            answer = await dial(gateway, caller="anonymous")
    assert answer["code"] == "number"
