"""How is the backend proved? By OpenAI on this machine, which understands spelled audio.

Strict about what it accepts.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from voicecall_conformance.speech.stt.spelling import FRAME_BYTES, SILENCE

KEY = "sk-proj-the-genuine-key"
FRAME_MS = 20
DELTA_LETTERS = 10
PATH = "/v1/realtime?intent=transcription"
MODELS = ("gpt-transcribe", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1")

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the double behaves on one connection.

    Args:
        status: other than 101: the handshake is refused with `fault`.
        fault: OpenAI's ``error`` object: of the refusal, else sent after the session is set up.
        cut_after: frames after which the connection is lost without a word.
        leaves: it is away from then on, until `away` is unset.
        close_after: frames after which it is closed with `close`.
        close: code and reason of that.
        freeze_after: frames after which nothing more is read or answered, not even a ping.
        held: turns, counted from 0, that are written down after the next one.
        lost: turns that are never written down.
        failed: turns that cannot be written down, and the ``error`` object of that.
        first: messages that are sent before anything else.
    """

    status: int = 101
    fault: Mapping[str, object] | None = None
    cut_after: int | None = None
    leaves: bool = False
    close_after: int | None = None
    close: tuple[int, str] = (1001, "session expired")
    freeze_after: int | None = None
    held: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    failed: Mapping[int, Mapping[str, object]] | None = None
    first: tuple[str, ...] = ()


class Refusal(Exception):
    """The double does not accept what it was sent."""

    def __init__(self, **fault: object) -> None:
        super().__init__(str(fault))
        self.fault: Fields = {"type": "invalid_request_error", "message": f"Quoting {KEY}"}
        self.fault |= fault


class OpenAiDouble:
    """OpenAI's part of one test.

    `behaviours` is used up, one a connection, then `Behaviour()` goes on for ever. `sessions`
    holds what each connection asked for, `frames` all audio that came.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = deque(behaviours)
        self.sessions: list[Fields] = []
        self.frames: list[list[bytes]] = []
        self.away = False
        self.missed = anyio.Event()
        self._connections = 0
        self._changed = anyio.Event()

    async def dropped(self) -> None:
        """Returns when there is no connection."""
        while self._connections:
            await self._changed.wait()

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """The handshake: None to go on, else the refusal."""
        behaviour = self.behaviours[0] if self.behaviours else Behaviour()
        if self.away:
            self.missed.set()
            return _refused(socket, 503, {"type": "server_error"})
        if request.path != PATH:
            return _refused(socket, 404, {"code": "unknown_url"})
        if request.headers.get_all("Authorization") != [f"Bearer {KEY}"]:
            return _refused(socket, 401, {"code": "invalid_api_key"})
        if "OpenAI-Beta" in request.headers:
            return _refused(socket, 400, {"code": "beta_api_shape_disabled"})
        if behaviour.status != 101:
            self.behaviours.popleft()
            return _refused(socket, behaviour.status, behaviour.fault or {})
        return None

    async def listen(self, socket: ServerConnection) -> None:
        """One connection, to its end."""
        behaviour = self.behaviours.popleft() if self.behaviours else Behaviour()
        self.frames.append([])
        ear = _Ear(socket, behaviour)
        self._connections += 1
        try:
            await ear.say("session.created", session={"type": "transcription"})
            for text in behaviour.first:
                await socket.send(text)
            async for message in socket:
                await self._obey(json.loads(message), ear, socket, behaviour)
        except ConnectionClosed:
            pass
        finally:
            self._connections -= 1
            self._changed.set()
            self._changed = anyio.Event()

    async def _obey(
        self, fields: Fields, ear: _Ear, socket: ServerConnection, behaviour: Behaviour
    ) -> None:
        try:
            match fields["type"]:
                case "session.update":
                    ear.silence_ms = _accepted(fields)
                    self.sessions.append(fields["session"])
                    await ear.say("session.updated", session=fields["session"])
                    if behaviour.fault is not None:
                        raise Refusal(**behaviour.fault)
                case "input_audio_buffer.append" if set(fields) == {"type", "audio"}:
                    await self._hear(fields["audio"], ear, socket, behaviour)
                case other:
                    raise Refusal(code="invalid_value", param=other)
        except Refusal as refusal:
            await ear.say("error", error=refusal.fault)

    async def _hear(
        self, audio: str, ear: _Ear, socket: ServerConnection, behaviour: Behaviour
    ) -> None:
        data = base64.b64decode(audio, validate=True)
        for at in range(0, len(data), FRAME_BYTES):
            self.frames[-1].append(data[at : at + FRAME_BYTES])
            heard = len(self.frames[-1])
            await ear.hear(self.frames[-1][-1])
            if heard == behaviour.cut_after:
                self.away |= behaviour.leaves
                socket.transport.abort()
            if heard == behaviour.close_after:
                await socket.close(*behaviour.close)
            if heard == behaviour.freeze_after:
                socket.transport.pause_reading()


class _Ear:
    """Understands the audio of one connection."""

    def __init__(self, socket: ServerConnection, behaviour: Behaviour) -> None:
        self.silence_ms = 0
        self._socket = socket
        self._behaviour = behaviour
        self._numbers = count()
        self._number = -1
        self._previous: str | None = None
        self._heard_ms = 0
        self._silent_ms = 0
        self._letters = ""
        self._held: list[tuple[str, str]] = []

    async def hear(self, frame: bytes) -> None:
        if not self.silence_ms:
            raise Refusal(code="session_not_configured")
        self._heard_ms += FRAME_MS
        if frame != SILENCE:
            if not self._letters:
                self._number = next(self._numbers)
                start = {"audio_start_ms": self._heard_ms, "item_id": self._item}
                await self.say("input_audio_buffer.speech_started", **start)
            self._letters += chr(frame[0])
            self._silent_ms = 0
        elif self._letters:
            self._silent_ms += FRAME_MS
            if self._silent_ms >= self.silence_ms:
                await self._stop()

    async def say(self, kind: str, **fields: object) -> None:
        await self._socket.send(json.dumps({"type": kind, "event_id": "event_1"} | fields))

    @property
    def _item(self) -> str:
        return f"item_{self._number:03}"

    async def _stop(self) -> None:
        item, text, self._letters = self._item, self._letters, ""
        stop = {"audio_end_ms": self._heard_ms, "item_id": item}
        await self.say("input_audio_buffer.speech_stopped", **stop)
        committed = {"item_id": item, "previous_item_id": self._previous}
        await self.say("input_audio_buffer.committed", **committed)
        self._previous = item
        if self._number in self._behaviour.held:
            self._held.append((item, text))
        elif self._number not in self._behaviour.lost:
            await self._write(item, text)
            for late in self._held:
                await self._write(*late)
            self._held.clear()

    async def _write(self, item: str, text: str) -> None:
        about = {"item_id": item, "content_index": 0}
        kind = "conversation.item.input_audio_transcription."
        for at in range(0, len(text), DELTA_LETTERS):
            await self.say(kind + "delta", delta=text[at : at + DELTA_LETTERS], **about)
        fault = (self._behaviour.failed or {}).get(int(item.removeprefix("item_")))
        if fault is not None:
            await self.say(kind + "failed", error=dict(fault), **about)
        else:
            usage = {"type": "duration", "seconds": 1}
            await self.say(kind + "completed", transcript=text, usage=usage, **about)


@asynccontextmanager
async def openai_double(*behaviours: Behaviour) -> AsyncIterator[tuple[OpenAiDouble, str]]:
    """The vendor on a free port: the double and its base URL."""
    double = OpenAiDouble(*behaviours)
    options: Fields = {"process_request": double.admit, "compression": None, "close_timeout": 1}
    async with serve(double.listen, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield double, f"http://127.0.0.1:{port}/v1"


def _accepted(fields: Fields) -> int:
    """The silence that ends a turn, in ms, if this is a session as documented."""
    session = fields["session"]
    heard = session.get("audio", {}).get("input", {})
    _only("session", session, "type", "audio")
    _only("session.audio", session["audio"], "input")
    known = ("format", "transcription", "turn_detection", "noise_reduction")
    _only("session.audio.input", heard, *known)
    if session["type"] != "transcription" or heard["format"] != {"type": "audio/pcmu"}:
        raise Refusal(code="invalid_value", param="session.audio.input.format")
    wishes, vad = heard["transcription"], heard["turn_detection"]
    _only("session.audio.input.transcription", wishes, "model", "language", "prompt", "keywords")
    if wishes["model"] not in MODELS:
        raise Refusal(code="invalid_value", param="session.audio.input.transcription.model")
    known = ("type", "threshold", "prefix_padding_ms", "silence_duration_ms")
    _only("session.audio.input.turn_detection", vad, *known)
    if vad["type"] != "server_vad" or not 0 <= vad["threshold"] <= 1:
        raise Refusal(code="invalid_value", param="session.audio.input.turn_detection")
    return int(vad["silence_duration_ms"])


def _only(place: str, fields: Fields, *known: str) -> None:
    for name in fields:
        if name not in known:
            raise Refusal(code="unknown_parameter", param=f"{place}.{name}")


def _refused(socket: ServerConnection, status: int, fault: Mapping[str, object]) -> Response:
    body = {"error": {"type": "invalid_request_error", "message": f"Quoting {KEY}"} | dict(fault)}
    return socket.respond(HTTPStatus(status), json.dumps(body))
