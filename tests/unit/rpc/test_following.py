"""Does the outcome of a call reach whoever waits for it, also when the reports break off?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from voicecall.errors import GatewayUnreachable, InvalidRequest
from voicecall.rpc.following import FRUITLESS_LOOKS, place_and_follow

CREATED = {"type": "created", "number": 1}
RINGING = {"type": "state", "number": 2, "state": "ringing"}
PARTIAL = {"type": "partial", "number": 0, "text": "he"}
FINISHED = {"type": "finished", "number": 3, "state": "busy"}
ENDED = {"type": "call", "number": 0, "call": {"state": "busy"}, "summary": {"outcome": "busy"}}


class Door:
    """A gateway whose streams of events are the given ones, one after the other."""

    def __init__(self, *streams: list[dict[str, Any]]) -> None:
        self.streams = list(streams)
        self.asked: list[tuple[str, dict[str, object]]] = []

    async def call(self, method: str, params: Mapping[str, object]) -> dict[str, object]:
        self.asked.append((method, dict(params)))
        if not params.get("message"):
            raise InvalidRequest("message required")
        return {"callId": "c-1", "initiated": True}

    @asynccontextmanager
    async def events(self, call_id: str) -> AsyncIterator[AsyncIterator[dict[str, object]]]:
        stream = self.streams.pop(0) if self.streams else []

        async def told() -> AsyncIterator[dict[str, object]]:
            for event in stream:
                yield event

        yield told()


def follow(door: Door, **wish: object) -> tuple[Any, list[dict[str, object]]]:
    seen: list[dict[str, object]] = []

    async def note(event: dict[str, object]) -> None:
        seen.append(event)

    async def program() -> Any:
        return await place_and_follow(door, wish, note)

    return anyio.run(program), seen


def test_the_answer_is_that_of_initiate_with_wait() -> None:
    door = Door([CREATED, RINGING, FINISHED, ENDED])
    answer, seen = follow(door, message="hi", wait=True)
    assert answer == {
        "callId": "c-1",
        "initiated": True,
        "call": {"state": "busy"},
        "summary": {"outcome": "busy"},
    }
    assert seen == [CREATED, RINGING, FINISHED]
    assert door.asked == [("voicecall.initiate", {"message": "hi", "wait": False})]


def test_a_stream_that_breaks_off_is_taken_up_and_nothing_is_told_twice() -> None:
    door = Door(
        [CREATED, RINGING, PARTIAL], [CREATED, RINGING], [CREATED, RINGING, FINISHED, ENDED]
    )
    _, seen = follow(door, message="hi")
    assert seen == [CREATED, RINGING, PARTIAL, FINISHED]
    assert len(door.asked) == 1


def test_when_the_end_cannot_be_learned_the_error_has_the_id_of_the_call() -> None:
    with pytest.raises(GatewayUnreachable, match="call c-1 was placed"):
        follow(Door([CREATED], *[[CREATED]] * FRUITLESS_LOOKS, [ENDED]), message="hi")


def test_a_call_that_is_refused_is_not_followed() -> None:
    door = Door([ENDED])
    with pytest.raises(InvalidRequest, match="message required"):
        follow(door)
    assert door.streams
