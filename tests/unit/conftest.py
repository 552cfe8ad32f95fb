"""What do tests of the doors knock at? A real gateway app on a real socket, with scripted calls."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from anyio.abc import TaskGroup
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypercorn.asyncio import serve
from hypercorn.config import Config

from voicecall.calls.bus import EventBus
from voicecall.calls.fold import fold
from voicecall.errors import (
    CallNotFound,
    CallStateError,
    CarrierRejected,
    InvalidRequest,
    PolicyRefused,
    TurnTimeout,
)
from voicecall.model.call import CallMode, CallRecord, CallState, Direction, Speaker, TurnTiming
from voicecall.model.call_events import (
    CallCreated,
    CallEvent,
    CallFinished,
    CarrierIdLearned,
    LineSaid,
    PartialHeard,
    RecordingKept,
    StateChanged,
    TurnTimed,
)
from voicecall.model.ids import CallId, CarrierCallId, new_call_id
from voicecall.rpc.auth import Doorkeeper
from voicecall.service import CallRequest
from voicecall.web.gateway import gateway_app

TOKEN = "a-token-for-tests"
SECRET = "a-secret-of-the-call"

TALKS = "+15551230001"
BUSY = "+15551230002"
STAYS = "+15551230003"
REFUSED = "+15551230006"
CARRIER_SAYS_NO = "+15551230007"
TOO_LONG = "+15551230009"
SLOW_CARRIER = "+15551230010"


@dataclass
class ScriptedService:
    """Calls whose course the dialled number decides; the records are the kernel's own folds."""

    bus: EventBus = field(default_factory=EventBus)
    calls: dict[CallId, list[CallEvent]] = field(default_factory=dict)
    ready: bool = True
    dialling: anyio.Event = field(default_factory=anyio.Event)
    carrier_answers: anyio.Event = field(default_factory=anyio.Event)
    dialled: anyio.Event = field(default_factory=anyio.Event)
    person_answers: anyio.Event = field(default_factory=anyio.Event)
    nobody_watches: anyio.Event = field(default_factory=anyio.Event)
    watchers: int = 0
    said: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    async def initiate(self, request: CallRequest) -> CallId:
        if request.to_number is None:
            raise InvalidRequest("to required")
        if request.to_number == REFUSED:
            raise PolicyRefused("this number is not allowed", reason="policy.destination")
        if request.to_number == CARRIER_SAYS_NO:
            raise CarrierRejected("the carrier refused the call", code="21211")
        if request.to_number == SLOW_CARRIER:
            self.dialling.set()
            await self.carrier_answers.wait()
        call_id = new_call_id()
        self._create(call_id, request)
        for state, text in _course(request.to_number):
            self._tell(call_id, state, text)
        self.dialled.set()
        return call_id

    async def speak(self, call_id: str, message: str) -> None:
        found = self._known(call_id)
        if not fold(self.calls[found]).is_live:
            raise CallStateError("the call has ended")
        self.said.append(message)
        self._add(LineSaid, found, speaker=Speaker.BOT, text=message)

    async def continue_call(self, call_id: str, message: str) -> str:
        await self.speak(call_id, message)
        if message == "anybody there?":
            raise TurnTimeout("nobody answered within 180 s")
        if message == "think about it":
            await self.person_answers.wait()
        self._add(LineSaid, self._known(call_id), speaker=Speaker.USER, text="yes please")
        return "yes please"

    async def send_digits(self, call_id: str, digits: str) -> None:
        self._known(call_id)
        self.keys.append(digits)

    async def end(self, call_id: str) -> None:
        found = self._known(call_id)
        if fold(self.calls[found]).is_live:
            self._add(CallFinished, found, state=CallState.HANGUP_BOT)

    async def find(self, call_id: str) -> CallRecord | None:
        for events in self.calls.values():
            record = fold(events)
            if call_id in (record.call_id, *record.carrier_ids):
                return record
        return None

    def live_calls(self) -> list[CallRecord]:
        return [record for record in map(fold, self.calls.values()) if record.is_live]

    async def history(self, limit: int) -> list[CallRecord]:
        return [fold(events) for events in reversed(self.calls.values())][:limit]

    @asynccontextmanager
    async def watch(self, call_id: str | None = None) -> AsyncIterator[AsyncIterator[CallEvent]]:
        found = None if call_id is None else self._known(call_id)
        self.watchers += 1
        try:
            async with self.bus.subscribe(found) as events:
                stored = [] if found is None else list(self.calls[found])
                yield self._watched(events, stored, found)
        finally:
            self.watchers -= 1
            self.nobody_watches.set()

    async def _watched(
        self, live: AsyncIterator[CallEvent], stored: list[CallEvent], call_id: CallId | None
    ) -> AsyncIterator[CallEvent]:
        for event in stored:
            yield event
        if stored and isinstance(stored[-1], CallFinished):
            return
        async for event in live:
            yield event
            if call_id is not None and isinstance(event, CallFinished):
                return

    def hear_partial(self, call_id: CallId, text: str) -> None:
        self.bus.publish(PartialHeard(call_id=call_id, number=0, at=1_700_000_001.0, text=text))

    def _create(self, call_id: CallId, request: CallRequest) -> None:
        self.calls[call_id] = []
        self._add(
            CallCreated,
            call_id,
            provider="scripted",
            direction=Direction.OUTBOUND,
            mode=request.mode or CallMode.NOTIFY,
            from_number="+15550001111",
            to_number=request.to_number,
            message=request.message,
            secret=SECRET,
        )
        self._add(CarrierIdLearned, call_id, carrier_call_id=CarrierCallId(f"v3:x/{call_id}"))

    def _tell(self, call_id: CallId, state: CallState | Speaker, text: str | None) -> None:
        if isinstance(state, Speaker):
            self._add(LineSaid, call_id, speaker=state, text=text, heard=None)
        elif state.is_terminal:
            self._add(RecordingKept, call_id, location="/somewhere/call.wav")
            self._add(CallFinished, call_id, state=state)
        else:
            self._add(StateChanged, call_id, state=state)
        if state is Speaker.USER:
            timing = TurnTiming(
                number=1,
                speech_ended_at=1_700_000_000.0,
                transcript_at=1_700_000_000.2,
                reply_started_at=1_700_000_000.3,
                first_audio_at=1_700_000_000.5,
                first_heard_at=1_700_000_000.64,
            )
            self._add(TurnTimed, call_id, timing=timing)

    def _add(self, kind: type[CallEvent], call_id: CallId, **fields: Any) -> None:
        number = len(self.calls[call_id]) + 1
        event = kind(call_id=call_id, number=number, at=1_700_000_000.0 + number, **fields)
        self.calls[call_id].append(event)
        self.bus.publish(event)

    def _known(self, call_id: str) -> CallId:
        for events in self.calls.values():
            record = fold(events)
            if call_id in (record.call_id, *record.carrier_ids):
                return record.call_id
        raise CallNotFound(call_id)


def _course(number: str) -> list[tuple[CallState | Speaker, str | None]]:
    ringing: list[tuple[CallState | Speaker, str | None]] = [(CallState.RINGING, None)]
    if number == BUSY:
        return [*ringing, (CallState.BUSY, None)]
    answered = [*ringing, (CallState.ANSWERED, None), (CallState.ACTIVE, None)]
    if number == TALKS:
        talk = [(Speaker.BOT, "Good morning"), (Speaker.USER, "Hello \x1b[31mthere")]
        return [*answered, *talk, (CallState.HANGUP_USER, None)]
    return [*answered, (CallState.TIMEOUT, None)] if number == TOO_LONG else answered


@dataclass
class Gateway:
    """A gateway that listens. `portal` runs things in its event loop."""

    url: str
    service: ScriptedService
    portal: BlockingPortal
    errands: TaskGroup
    token: str = TOKEN

    def wait(self, event: anyio.Event) -> None:
        """Wait in the gateway's loop until `event` is set, but not for ever."""
        self.portal.call(_wait, event)


async def _wait(event: anyio.Event) -> None:
    with anyio.fail_after(15):
        await event.wait()


@asynccontextmanager
async def _listening(service: ScriptedService) -> AsyncIterator[tuple[str, TaskGroup]]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.graceful_timeout = 0.1
    config.errorlog = None
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks, anyio.create_task_group() as errands:
        doorkeeper = Doorkeeper(token=TOKEN, bind="127.0.0.1")
        app = gateway_app(service, doorkeeper=doorkeeper, tasks=errands)
        tasks.start_soon(_serve, app, config, stop)
        try:
            yield f"http://127.0.0.1:{port}", errands
        finally:
            errands.cancel_scope.cancel()
            stop.set()


async def _serve(app: Any, config: Config, stop: anyio.Event) -> None:
    await serve(app, config, shutdown_trigger=stop.wait)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway on a free port, in a thread of its own."""
    with start_blocking_portal() as portal:
        service = portal.call(ScriptedService)
        with portal.wrap_async_context_manager(_listening(service)) as (url, errands):
            yield Gateway(url=url, service=service, portal=portal, errands=errands)
