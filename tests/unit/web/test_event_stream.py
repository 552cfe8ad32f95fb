"""An event stream shows a sign of life while nothing happens, in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import trio.testing

from voicecall.errors import StoreError
from voicecall.model.call_events import CallEvent, PartialHeard
from voicecall.model.ids import CallId
from voicecall.web.event_stream import HEARTBEAT_SECONDS, event_stream

CALL = CallId("c-1")


class Watched:
    """The part of a service that a stream uses; tells one event after `seconds`."""

    def __init__(self, seconds: float, failure: Exception | None = None) -> None:
        self._seconds = seconds
        self._failure = failure

    @asynccontextmanager
    async def watch(self, call_id: str | None = None) -> AsyncIterator[AsyncIterator[CallEvent]]:
        yield self._events()

    async def find(self, call_id: str) -> None:
        return None

    async def _events(self) -> AsyncIterator[CallEvent]:
        await anyio.sleep(self._seconds)
        yield PartialHeard(call_id=CALL, number=0, at=1.0, text="hm")
        if self._failure:
            raise self._failure


def frames_of(seconds: float, failure: Exception | None = None) -> list[bytes]:
    frames: list[bytes] = []

    async def scenario() -> None:
        service: Any = Watched(seconds, failure)
        async with anyio.create_task_group() as tasks:
            async for frame in event_stream(service, CALL, tasks):
                frames.append(frame)

    anyio.run(
        scenario,
        backend="trio",
        backend_options={"clock": trio.testing.MockClock(autojump_threshold=0)},
    )
    return frames


def test_a_sign_of_life_comes_first_and_whenever_nothing_else_does() -> None:
    frames = frames_of(2.5 * HEARTBEAT_SECONDS)
    assert [frame.startswith(b": ") for frame in frames] == [True, True, True, False]


def test_the_stream_ends_with_the_watch() -> None:
    frames = frames_of(0)
    assert len(frames) == 2
    assert b'"type":"partial"' in frames[-1]
    assert b"id:" not in frames[-1]


def test_a_watch_that_fails_ends_its_stream_and_nothing_else() -> None:
    assert len(frames_of(0, StoreError("the disk is full"))) == 2
