"""Does a live call get its command's document, however often and whenever Plivo comes for it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from voicecall.sdk import (
    CallId,
    CarrierCall,
    CarrierCallId,
    CarrierEvent,
    CarrierUnreachable,
    Direction,
    Gather,
    HttpReply,
    Instruction,
    InstructionsWanted,
    Say,
    SystemClock,
    TurnToken,
)
from voicecall.webhooks.gate import Gate
from voicecall_plivo.commands import MAX_KEPT, KeptCommands
from voicecall_plivo.double.documents import instructions, read_document

UUID = CarrierCallId("75b26856-8638-11e0-802a-6d99d509a2e3")
CALL = CarrierCall(
    call_id=CallId("4f0c9f5e"),
    carrier_call_id=UUID,
    secret="s3cret",
    direction=Direction.OUTBOUND,
    answered=True,
)
TURN = TurnToken("turn-1")
TOLD = (Say(text="Hello, é."), Gather(turn=TURN, timeout_seconds=8))
FIELDS = {"CallUUID": UUID, "Direction": "outbound", "Event": "Redirect"}


class Desk:
    """Notes what it was told, and has instructions of its own."""

    def __init__(self) -> None:
        self.applied: list[CarrierEvent] = []

    async def apply(self, events: Sequence[CarrierEvent]) -> Sequence[Instruction]:
        self.applied += events
        return [Say(text="the kernel's own")]


def commanded(provider: Any, answers: Any) -> str:
    """The URL that Plivo was given with a command."""
    answers.give(202, {"message": "call transferred"})
    anyio.run(provider.command, CALL, TOLD)
    method, url, body = answers.asked[-1]
    assert method == "POST" and url.endswith(f"/Call/{UUID}/")
    assert set(body) == {"legs", "aleg_url", "aleg_method"}
    assert (body["legs"], body["aleg_method"]) == ("aleg", "POST")
    return str(body["aleg_url"])


def fetch(provider: Any, *requests: Any) -> tuple[list[HttpReply], Desk]:
    desk = Desk()

    async def run() -> list[HttpReply]:
        gate = Gate(provider, desk, SystemClock())
        return [await gate.handle(request) for request in requests]

    return anyio.run(run), desk


def said(reply: HttpReply) -> list[str]:
    return [each.text for each in instructions(read_document(reply)) if isinstance(each, Say)]


def test_the_command_is_the_document_and_the_kernel_is_not_asked(
    provider: Any, answers: Any, callback: Any
) -> None:
    url = commanded(provider, answers)
    assert "Hello" not in url
    (reply,), desk = fetch(provider, callback(url, FIELDS))
    assert said(reply) == ["Hello, é."]
    assert desk.applied == []


def test_a_repeated_fetch_gets_the_same_document(
    provider: Any, answers: Any, callback: Any
) -> None:
    url = commanded(provider, answers)
    fetches = [callback(url, FIELDS, nonce=nonce) for nonce in ("1", "1", "2")]
    replies, desk = fetch(provider, *fetches)
    assert replies == [replies[0]] * 3
    assert desk.applied == []


def test_plivo_may_come_before_it_has_answered(provider: Any, answers: Any, callback: Any) -> None:
    early: list[HttpReply] = []

    def come() -> None:
        request = callback(answers.asked[-1][2]["aleg_url"], FIELDS)
        early.append(provider.reply(provider.verify(request), ()))

    answers.before = come
    commanded(provider, answers)
    assert said(early[0]) == ["Hello, é."]


def test_after_a_restart_the_kernel_is_asked(
    provider: Any, make_provider: Any, answers: Any, callback: Any
) -> None:
    url = commanded(provider, answers)
    (reply,), desk = fetch(make_provider(), callback(url, FIELDS))
    assert [type(event) for event in desk.applied] == [InstructionsWanted]
    assert desk.applied[0].call_id == CALL.call_id
    assert said(reply) == ["the kernel's own"]


def test_a_command_whose_answer_was_lost_is_kept(
    provider: Any, answers: Any, callback: Any
) -> None:
    answers.give(503)
    with pytest.raises(CarrierUnreachable):
        anyio.run(provider.command, CALL, TOLD)
    assert len(answers.asked) == 1
    (reply,), _ = fetch(provider, callback(answers.asked[0][2]["aleg_url"], FIELDS))
    assert said(reply) == ["Hello, é."]


def test_no_more_commands_are_kept_than_there_is_room_for() -> None:
    kept = KeptCommands()
    first, *_, last = [kept.keep(TOLD) for _ in range(MAX_KEPT + 1)]
    assert kept.find(first) is None
    assert kept.find(last) == TOLD
