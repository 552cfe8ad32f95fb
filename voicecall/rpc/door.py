"""How does a door in this process use the gateway? Like a remote one: methods and events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from voicecall.model.call_events import CallEvent
from voicecall.rpc.errands import Errands
from voicecall.rpc.methods import RpcContext, invoke
from voicecall.rpc.summary import ended_object
from voicecall.rpc.wire import JsonObject, event_object
from voicecall.service import Service
from voicecall.tasks import owned_tasks


class Door(Protocol):
    """A gateway as its clients use it, in this process or elsewhere."""

    async def call(self, method: str, params: Mapping[str, object]) -> JsonObject:
        """The payload of `method`.

        Raises:
            VoicecallError: what the method raised, or why the gateway could not be asked.
        """
        ...

    def events(self, call_id: str) -> AbstractAsyncContextManager[AsyncIterator[JsonObject]]:
        """What happened and happens on a call, up to its end; then `ended_object`.

        The iterator may end without it when the gateway goes away.

        Raises:
            VoicecallError: nobody knows the call, or the gateway could not be asked.
        """
        ...


class LocalDoor:
    """`Door` to the gateway of this process.

    Args:
        context: what its doors share.
    """

    def __init__(self, context: RpcContext) -> None:
        self._context = context

    async def call(self, method: str, params: Mapping[str, object]) -> JsonObject:
        """`Door.call`; what is placed goes on when the caller is cancelled."""
        return await invoke(self._context, method, dict(params))

    @asynccontextmanager
    async def events(self, call_id: str) -> AsyncIterator[AsyncIterator[JsonObject]]:
        """`Door.events`."""
        async with self._context.service.watch(call_id) as events:
            yield self._shown(call_id, events)

    async def _shown(
        self, call_id: str, events: AsyncIterator[CallEvent]
    ) -> AsyncIterator[JsonObject]:
        async for event in events:
            yield event_object(event)
        record = await self._context.service.find(call_id)
        if record is not None and not record.is_live:
            yield ended_object(record)


@asynccontextmanager
async def local_door(service: Service) -> AsyncIterator[LocalDoor]:
    """A door to `service`; what was begun through it ends with the block."""
    async with owned_tasks() as tasks:
        yield LocalDoor(RpcContext(service=service, errands=Errands(tasks)))
