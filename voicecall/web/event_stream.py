"""How do call events travel over HTTP? As server-sent events, with a sign of life in between."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

import anyio
from anyio.abc import TaskGroup, TaskStatus

from voicecall.model.call_events import CallEvent
from voicecall.model.ids import CallId
from voicecall.rpc.summary import ended_object
from voicecall.rpc.wire import JsonObject, event_object
from voicecall.service import Service

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
"""Clients may take three times this silence for a dead gateway."""

_HEARTBEAT = b": still here\n\n"


async def event_stream(
    service: Service, call_id: CallId | None, tasks: TaskGroup
) -> AsyncIterator[bytes]:
    """The events of one call until it ended, or of all calls without end, as they go out.

    The stream of a call that has ended closes with the call itself and its summary, ``type:
    call``: its reader need not ask for it, which a gateway that shuts down would refuse.

    The watch runs in a task of its own, because a heartbeat that interrupted an iterator would
    break it. The first bytes come when the watch has begun. There is no buffer in between: a
    slow client is the event bus's affair.
    """
    pump = _Pump(service, call_id)
    try:
        await tasks.start(pump.run)
        yield _HEARTBEAT
        while True:
            event: CallEvent | None = None
            with anyio.move_on_after(HEARTBEAT_SECONDS):
                try:
                    event = await pump.receiver.receive()
                except anyio.EndOfStream:
                    break
            yield _HEARTBEAT if event is None else _frame(event_object(event))
        record = None if call_id is None else await service.find(call_id)
        if record is not None and record.state.is_terminal:
            yield _frame(ended_object(record))
    finally:
        pump.scope.cancel()
        pump.receiver.close()


class _Pump:
    """Hands over what a watch gives, until it ends or `scope` is cancelled."""

    def __init__(self, service: Service, call_id: CallId | None) -> None:
        self._service = service
        self._call_id = call_id
        self._sender, self.receiver = anyio.create_memory_object_stream[CallEvent](0)
        self.scope = anyio.CancelScope()

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Watch; it has begun when `task_status` says so."""
        with self.scope, self._sender:
            async with self._service.watch(self._call_id) as events:
                task_status.started()
                await self._hand_over(events)

    async def _hand_over(self, events: AsyncIterator[CallEvent]) -> None:
        try:
            async for event in events:
                await self._sender.send(event)
        except anyio.BrokenResourceError:
            return  # the client left
        except Exception:
            logger.exception("an event stream broke off")


def _frame(shown: JsonObject) -> bytes:
    data = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    identity = f"id: {shown['number']}\n" if shown["number"] else ""
    return f"{identity}event: {shown['type']}\ndata: {data}\n\n".encode()
