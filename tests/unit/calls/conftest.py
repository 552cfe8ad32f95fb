"""A carrier that does as it is told, and a gateway's calls around it in virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import trio.testing

from voicecall.calls.bus import EventBus
from voicecall.calls.line import Speech, Spoken
from voicecall.calls.manager import CallManager
from voicecall.calls.memory_store import MemoryStore
from voicecall.calls.tools import CallTools
from voicecall.config.schema import Settings
from voicecall.errors import CapacityExceeded
from voicecall.model.carrier_events import CarrierEvent
from voicecall.model.ids import CarrierCallId, new_stream_token
from voicecall.model.instructions import Instruction, OpenStream
from voicecall.model.speech import EndedCall, ReplyPart, Turn
from voicecall.model.webhook import HttpReply, VerifiedWebhook, WebhookRequest
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.provider import (
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallStatus,
    Live,
)
from voicecall.sdk.responder import ReplySink, Responder
from voicecall.service import CallRequest, CallService


class Carrier(CallProvider):
    """Accepts every order; keeps what it was asked."""

    def __init__(self) -> None:
        self.orders: list[CallOrder] = []
        self.commands: list[list[Instruction]] = []
        self.hang_ups: list[CarrierCall] = []
        self.commanded = anyio.Event()
        self.answer_status: CarrierCallStatus = Live()
        self.refuses: Exception | None = None
        self.refuses_commands: Exception | None = None
        self.refuses_hang_ups: Exception | None = None
        self.refuses_questions: Exception | None = None
        self.dial_seconds = 0.1

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        raise NotImplementedError

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        raise NotImplementedError

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        raise NotImplementedError

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        await anyio.sleep(self.dial_seconds)
        if self.refuses is not None:
            raise self.refuses
        self.orders.append(order)
        return CarrierCallId(f"X{len(self.orders)}")

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        self.commands.append(list(instructions))
        self.commanded.set()
        self.commanded = anyio.Event()
        if self.refuses_commands is not None:
            raise self.refuses_commands

    async def hang_up(self, call: CarrierCall) -> None:
        await anyio.sleep(0.05)
        self.hang_ups.append(call)
        if self.refuses_hang_ups is not None:
            raise self.refuses_hang_ups

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        if self.refuses_questions is not None:
            raise self.refuses_questions
        return self.answer_status


class Job:
    """A speech job of `Voice`."""

    def __init__(self, speech: Speech) -> None:
        self.speech = speech
        self.done = anyio.Event()
        self.spoken = Spoken(text=speech.text, heard=speech.text)

    async def played(self) -> Spoken:
        await self.done.wait()
        return self.spoken


class Voice:
    """A media line that takes a tenth of a second for each word, unless it is cut."""

    def __init__(self, tasks: Any) -> None:
        self.said: list[Speech] = []
        self.full_once: Exception | None = None
        self.room = 1000
        self._tasks = tasks
        self._open: list[Job] = []

    def speak(self, speech: Speech) -> Job:
        full, self.full_once = self.full_once, None
        if full is not None:
            raise full
        if len(self._open) >= self.room:
            raise CapacityExceeded("no room")
        job = Job(speech)
        self.said.append(speech)
        self._open.append(job)
        self._tasks.start_soon(self._play, job)
        return job

    async def _play(self, job: Job) -> None:
        await anyio.sleep(0.1 * len(job.speech.text.split()))
        self._settle(job, job.speech.text)

    def _settle(self, job: Job, heard: str) -> None:
        if not job.done.is_set():
            job.spoken = Spoken(text=job.speech.text, heard=heard)
            self._open.remove(job)
            job.done.set()

    async def drained(self) -> None:
        for job in list(self._open):
            await job.played()

    def fail(self, reason: str) -> None:
        for job in list(self._open):
            job.spoken = Spoken(text=job.speech.text, heard="", failed=reason)
            self._open.remove(job)
            job.done.set()

    async def interrupt(self) -> None:
        for job in list(self._open):
            self._settle(job, job.speech.text.split()[0])


class Echo(Responder):
    """Answers with what was said, after `delay` seconds."""

    def __init__(self, *parts: ReplyPart, delay: float = 0.0) -> None:
        self.parts = parts
        self.delay = delay
        self.turns: list[Turn] = []
        self.ended: list[EndedCall] = []

    async def respond(self, turn: Turn, out: ReplySink) -> None:
        self.turns.append(turn)
        await anyio.sleep(self.delay)
        for part in self.parts:
            await out.write(part)

    async def call_ended(self, call: EndedCall) -> None:
        self.ended.append(call)


@dataclass
class World:
    """Everything of one gateway that calls need."""

    carrier: Carrier
    store: MemoryStore
    manager: CallManager
    service: CallService
    tasks: Any
    tools: CallTools
    voices: list[Voice] = field(default_factory=list)

    async def place(self, message: str | None = "Hello there", **values: Any) -> Any:
        """Dial, and give the live call."""
        request = CallRequest(to_number="+15550002222", message=message, **values)
        call = self.manager.live(await self.service.initiate(request))
        assert call is not None
        return call

    async def connect(self, call: Any, full_once: Exception | None = None) -> Voice:
        """Put a media line on `call`, one that refuses the first utterance with `full_once`."""
        voice = Voice(self.tasks)
        voice.full_once = full_once
        self.voices.append(voice)
        await call.conversation.line_up(voice)
        return voice


@asynccontextmanager
async def world(
    *,
    streams: bool = True,
    responder: Responder | None = None,
    document: bool = False,
    digits_end_stream: bool = False,
    detect_machine: bool = False,
    voice: str | None = None,
    language: str | None = None,
    prepare: Callable[..., Awaitable[None]] | None = None,
    store: MemoryStore | None = None,
    **overrides: Any,
) -> AsyncIterator[World]:
    settings = Settings.model_validate({"fromNumber": "+15550001111", **overrides})
    carrier, store = Carrier(), store or MemoryStore()
    tools = CallTools(
        provider=carrier,
        provider_name="acme",
        store=store,
        bus=EventBus(),
        clock=SystemClock(),
        settings=settings,
        responder=responder,
        open_stream=(
            (lambda call_id, later: OpenStream(url="ws://here", token=new_stream_token()))
            if streams
            else None
        ),
        steers_by_document=document,
        digits_end_stream=digits_end_stream,
        detect_machine=detect_machine,
        voice=voice,
        language=language,
        prepare=prepare,
    )
    async with anyio.create_task_group() as tasks:
        manager = CallManager(tools, tasks)
        yield World(carrier, store, manager, CallService(manager, tools), tasks, tools)
        tasks.cancel_scope.cancel()


@pytest.fixture
def gateway() -> Callable[..., Any]:
    """Makes a `World`."""
    return world


@pytest.fixture
def virtually() -> Callable[[Callable[[], Awaitable[Any]]], Any]:
    """Runs an async function in virtual time: sleeps take none."""

    def run(function: Callable[[], Awaitable[Any]]) -> Any:
        clock = trio.testing.MockClock(autojump_threshold=0)
        return anyio.run(function, backend="trio", backend_options={"clock": clock})

    return run


@pytest.fixture
def echo() -> type[Echo]:
    """A responder for tests."""
    return Echo
