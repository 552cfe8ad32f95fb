"""A carrier and a desk for media sessions in virtual time."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from voicecall.calls.line import Heard, Line, Speech
from voicecall.config.schema import LimitSettings, Settings, StreamingSettings, TurnSettings
from voicecall.errors import MediaError
from voicecall.media import g711
from voicecall.media.counters import MediaCounters
from voicecall.media.session import SessionTools, run_session
from voicecall.media.synthesis import Synthesis
from voicecall.media.tokens import StreamGrant
from voicecall.model import media
from voicecall.model.ids import CallId, CarrierCallId, StreamToken
from voicecall.model.media import MULAW_8K, AudioFormat, MediaCommand, MediaEvent, MediaFault
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.provider import MediaProtocol

QUIET = b"\xff" * 160
CARRIER_CALL = CarrierCallId("carrier-1")


class PlainProtocol(MediaProtocol):
    """Audio as bytes, everything else as JSON text."""

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        if isinstance(frame, bytes):
            return [media.MediaAudio(data=frame)]
        try:
            message = json.loads(frame)
        except ValueError:
            return [MediaFault(detail="not JSON")]
        match message:
            case {"start": carrier_call_id}:
                started = media.MediaStarted(
                    stream_id="s", carrier_call_id=carrier_call_id, format=MULAW_8K
                )
                return [started]
            case {"mark": name}:
                return [media.MediaMark(name=name)]
            case {"digit": digit}:
                return [media.MediaDigit(digit=digit)]
            case {"stop": True}:
                return [media.MediaStopped()]
        return [MediaFault(detail="unknown message")]

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        match command:
            case media.PlayAudio(data=data):
                return [data]
            case media.PlaceMark(name=name):
                return [json.dumps({"mark": name})]
            case media.ClearAudio():
                return [json.dumps({"clear": True})]


class Socket:
    """Our end of the media socket."""

    def __init__(self, pipe: Callable[[], Any]) -> None:
        self.inbox = pipe()
        self.outbox = pipe()
        self.closed: tuple[int, str] | None = None
        self.frozen = False
        self._thawed = anyio.Event()

    def thaw(self) -> None:
        self.frozen = False
        self._thawed.set()

    async def receive(self) -> str | bytes | None:
        return await anext(self.inbox, None)

    async def send(self, frame: str | bytes) -> None:
        if self.frozen:
            await self._thawed.wait()
        if self.outbox.closed:
            raise MediaError("the media socket is closed")
        self.outbox.put((anyio.current_time(), frame))

    async def close(self, code: int, reason: str = "") -> None:
        if self.closed is None:
            self.closed = (code, reason)
        self.inbox.close()


class Phone:
    """The carrier and the caller: plays what we send in real time, speaks what it is told to."""

    def __init__(self, pipe: Callable[[], Any], *, returns_marks: bool = True) -> None:
        self.socket = Socket(pipe)
        self.returns_marks = returns_marks
        self.ear = bytearray()
        self.frames: list[tuple[float, bytes]] = []
        self.clears: list[float] = []
        self.marks: list[str] = []
        self.after_clear: list[bytes] = []
        self.gaps = 0
        self._buffer: deque[bytes | str] = deque()
        self._started = False
        self._mouth: deque[bytes] = deque()
        self.echo: Callable[[bytes], bytes] | None = None
        self.silent = False

    def send(self, message: dict[str, object]) -> None:
        self.socket.inbox.put(json.dumps(message))

    def send_raw(self, frame: str | bytes) -> None:
        self.socket.inbox.put(frame)

    def start(self, carrier_call_id: str = CARRIER_CALL) -> None:
        self.send({"start": carrier_call_id})

    def hang_up(self) -> None:
        self.socket.inbox.close()
        self.socket.outbox.close()

    def echo_after(self, seconds: float, *, attenuation: float) -> None:
        """Send back what is heard, later and weaker."""
        late: deque[bytes] = deque([QUIET] * round(seconds / 0.02))

        def echo(heard: bytes) -> bytes:
            weaker = g711.mulaw_decode(heard).astype(float) * attenuation
            late.append(g711.mulaw_encode(weaker.astype(np.int16)))
            return late.popleft()

        self.echo = echo

    def speak(self, seconds: float, *, level: int = 8000) -> None:
        samples = np.random.default_rng(7).integers(-level, level, int(seconds * 8000))
        audio = g711.mulaw_encode(samples.astype(np.int16))
        self._mouth.extend(audio[i : i + 160] for i in range(0, len(audio), 160))

    async def until_cleared(self, times: int = 1) -> float:
        """When the gateway told us for the `times`-th time to fall silent."""
        while len(self.clears) < times:
            await anyio.sleep(0.001)
        return self.clears[times - 1]

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._take)
            await self._live()

    async def _take(self) -> None:
        async for at, frame in self.socket.outbox:
            if isinstance(frame, bytes):
                self._buffer.append(frame)
                self.frames.append((at, frame))
                if self.clears:
                    self.after_clear.append(frame)
            else:
                self._obey(at, json.loads(frame))

    def _obey(self, at: float, message: dict[str, Any]) -> None:
        if "mark" in message:
            self.marks.append(message["mark"])
            self._buffer.append(message["mark"])
            return
        self.clears.append(at)
        marks = [item for item in self._buffer if isinstance(item, str)]
        self._buffer.clear()
        for mark in marks:
            self._return(mark)

    def _return(self, mark: str) -> None:
        if self.returns_marks:
            self.send({"mark": mark})

    async def _live(self) -> None:
        began, tick = anyio.current_time(), 0
        while True:
            tick += 1
            await anyio.sleep(max(0.0, began + tick * 0.02 - anyio.current_time()))
            heard = self._play()
            if not self.silent:
                self._say(heard)

    def _play(self) -> bytes:
        frame = QUIET
        while self._buffer and isinstance(self._buffer[0], str):
            self._return(self._buffer.popleft())
        if self._buffer:
            frame = self._buffer.popleft()
            self.ear += frame
            self._started = True
        elif self._started:
            self.gaps += 1
        while self._buffer and isinstance(self._buffer[0], str):
            self._return(self._buffer.popleft())
        return frame

    def _say(self, heard: bytes) -> None:
        if self._mouth:
            frame = self._mouth.popleft()
        else:
            frame = self.echo(heard) if self.echo is not None else QUIET
        self.socket.inbox.put(frame)


class Desk:
    """Writes down what it is told; `answer` makes the replies."""

    def __init__(self) -> None:
        self.log: list[tuple[str, object]] = []
        self.line: Line | None = None
        self.up = anyio.Event()
        self.answer: Callable[[Heard], Awaitable[None]] | None = None
        self.cancelled: list[str] = []
        self.slow = 0.0
        self._changed = anyio.Event()

    def told(self, kind: str) -> list[object]:
        return [value for name, value in self.log if name == kind]

    async def until(self, kind: str, count: int = 1) -> None:
        while len(self.told(kind)) < count:
            await self._changed.wait()

    def _note(self, kind: str, value: object) -> None:
        self.log.append((kind, value))
        self._changed.set()
        self._changed = anyio.Event()

    async def line_up(self, line: Line) -> None:
        self.line = line
        self._note("up", None)
        self.up.set()

    async def line_down(self, line: Line, reason: str) -> None:
        assert line is self.line
        self._note("down", reason)

    async def speech_began(self) -> None:
        await anyio.sleep(self.slow)
        self._note("began", None)

    async def partial(self, text: str) -> None:
        self._note("partial", text)

    async def heard(self, heard: Heard) -> None:
        self._note("heard", heard.text)
        if self.answer is not None:
            try:
                await self.answer(heard)
            except BaseException:
                self.cancelled.append(heard.text)
                raise

    async def digits(self, digits: str) -> None:
        self._note("digits", digits)

    async def unheard(self, reason: str) -> None:
        self._note("unheard", reason)

    async def speaking(self, active: bool) -> None:
        await anyio.sleep(self.slow)
        self._note("speaking", active)


@dataclass
class Stage:
    """Everything of one session."""

    phone: Phone
    desk: Desk
    tts: Any
    stt: Any
    counters: MediaCounters
    settings: Settings
    done: anyio.Event
    grant: StreamGrant
    ended: anyio.Event = field(default_factory=anyio.Event)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> Line:
        assert self.desk.line is not None
        return self.desk.line

    async def say(self, text: str, **more: Any) -> Any:
        return await self.line.speak(Speech(text=text, **more)).played()


@asynccontextmanager
async def session(
    tools: Any,
    *,
    start: bool = True,
    phone: Phone | None = None,
    tts: Any = None,
    voice: Any = None,
    stt: Any = None,
    vad: Any = None,
    limits: dict[str, Any] | None = None,
    turns: dict[str, Any] | None = None,
    stt_format: AudioFormat = MULAW_8K,
    protocol: MediaProtocol | None = None,
    tap: Any = None,
) -> Any:
    settings = Settings(
        limits=LimitSettings(**(limits or {})),
        turns=TurnSettings(**(turns or {})),
        streaming=StreamingSettings(enabled=True),
    )
    stage = Stage(
        phone=phone or Phone(tools.Pipe),
        desk=Desk(),
        tts=tts or tools.NoiseTts(),
        stt=stt or tools.ToldStt(),
        counters=MediaCounters(),
        settings=settings,
        done=anyio.Event(),
        grant=StreamGrant(
            call_id=CallId("c"),
            token=StreamToken("t"),
            owns=lambda carrier_call_id: carrier_call_id == CARRIER_CALL,
        ),
    )
    session_tools = SessionTools(
        tts=voice or Synthesis([("noise", stage.tts)], logging.getLogger("test.tts")),
        stt=stage.stt,
        stt_format=stt_format,
        vad=vad,
        media_format=MULAW_8K,
        settings=settings,
        clock=SystemClock(),
        counters=stage.counters,
        tap=tap,
    )

    async def serve() -> None:
        with anyio.CancelScope() as stage.extra["scope"]:
            try:
                await run_session(
                    stage.phone.socket,
                    protocol or PlainProtocol(),
                    stage.desk,
                    stage.grant,
                    session_tools,
                )
            finally:
                stage.ended.set()
        stage.done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stage.phone.run)
        tasks.start_soon(serve)
        if start:
            stage.phone.start()
            await stage.desk.up.wait()
        yield stage
        stage.phone.hang_up()
        with anyio.fail_after(30):
            await stage.done.wait()
        tasks.cancel_scope.cancel()


class Theatre:
    """What session tests need by name.

    Args:
        tools: virtual time and speech backends.
    """

    PlainProtocol = PlainProtocol

    def __init__(self, tools: Any) -> None:
        self.NoiseTts = tools.NoiseTts
        self.ToldStt = tools.ToldStt
        self.LoudVad = tools.LoudVad
        self.run = tools.run
        self.Phone = partial(Phone, tools.Pipe)
        self.session = partial(session, tools)


@pytest.fixture
def theatre(tools: Any) -> Theatre:
    """Sessions in virtual time."""
    return Theatre(tools)
