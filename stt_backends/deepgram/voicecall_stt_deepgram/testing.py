"""How is the backend proved? By Deepgram on this machine, which understands spelled audio.

Strict about what it accepts.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from voicecall.sdk import FRAME_SECONDS
from voicecall_conformance.speech.stt.spelling import FRAME_BYTES, SILENCE

KEY = "the-genuine-deepgram-key"
INTERIM_FRAMES = 10
"""How often it says what it understands so far."""

FIXED = {"encoding": "mulaw", "sample_rate": "8000", "channels": "1", "vad_events": "true"}
FREE = {"model", "interim_results", "endpointing", "smart_format", "utterance_end_ms", "language"}

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How the double behaves on one connection.

    Args:
        status: other than 101: the handshake is refused with `code`.
        code: ``err_code`` of the refusal.
        quoted: what its message quotes, beside our key.
        cut_after: frames after which the connection is lost without a word.
        leaves: it is away from then on, until `away` is unset.
        close_after: frames after which it is closed with `close`.
        close: code and reason of that.
        freeze_after: frames after which nothing more is read or answered, not even a ping.
        settle_frames: letters after which a stretch is settled in the middle of a turn.
        noisy: silence is never heard; only the gap between words ends a turn.
        mute_at_end: `CloseStream` is not answered.
        first: messages that are sent before anything else.
    """

    status: int = 101
    code: str = "UNKNOWN"
    quoted: str = ""
    cut_after: int | None = None
    leaves: bool = False
    close_after: int | None = None
    close: tuple[int, str] = (1011, "NET-0000")
    freeze_after: int | None = None
    settle_frames: int = 40
    noisy: bool = False
    mute_at_end: bool = False
    first: tuple[str, ...] = ()


class DeepgramDouble:
    """Deepgram's part of one test.

    `behaviours` is used up, one a connection, then `Behaviour()` goes on for ever. `queries`
    holds each connection's parameters, `frames` all audio that came, `controls` all else.
    """

    def __init__(self, *behaviours: Behaviour) -> None:
        self.behaviours = deque(behaviours)
        self.queries: list[list[tuple[str, str]]] = []
        self.frames: list[list[bytes]] = []
        self.controls: list[str] = []
        self.kept_alive = anyio.Event()
        self.lost = anyio.Event()
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
            return _refused(socket, 503, "UNAVAILABLE")
        url = urlsplit(request.path)
        query = parse_qsl(url.query, keep_blank_values=True)
        if url.path != "/v1/listen":
            return _refused(socket, 404, "NOT_FOUND")
        if request.headers.get_all("Authorization") != [f"Token {KEY}"]:
            return _refused(socket, 401, "INVALID_AUTH")
        if not _valid(query):
            return _refused(socket, 400, "INVALID_QUERY_PARAMETER")
        if behaviour.status != 101:
            self.behaviours.popleft()
            return _refused(socket, behaviour.status, behaviour.code, behaviour.quoted)
        self.queries.append(query)
        return None

    async def listen(self, socket: ServerConnection) -> None:
        """One connection, to its end."""
        behaviour = self.behaviours.popleft() if self.behaviours else Behaviour()
        self.frames.append([])
        ear = _Ear(socket, dict(self.queries[-1]), behaviour)
        self._connections += 1
        try:
            for text in behaviour.first:
                await socket.send(text)
            async for message in socket:
                if isinstance(message, bytes):
                    await self._hear(message, ear, socket, behaviour)
                elif await self._control(message, ear, socket, behaviour):
                    return
        except ConnectionClosed:
            pass
        finally:
            self.lost.set()
            self._connections -= 1
            self._changed.set()
            self._changed = anyio.Event()

    async def _hear(
        self, message: bytes, ear: _Ear, socket: ServerConnection, behaviour: Behaviour
    ) -> None:
        if len(message) % FRAME_BYTES or not message:
            await socket.close(1008, "DATA-0000")
            return
        for at in range(0, len(message), FRAME_BYTES):
            self.frames[-1].append(message[at : at + FRAME_BYTES])
            count = len(self.frames[-1])
            await ear.hear(self.frames[-1][-1])
            if count == behaviour.freeze_after:
                socket.transport.pause_reading()
            if count == behaviour.cut_after:
                self.away |= behaviour.leaves
                socket.transport.abort()
            if count == behaviour.close_after:
                await socket.close(*behaviour.close)

    async def _control(
        self, message: str, ear: _Ear, socket: ServerConnection, behaviour: Behaviour
    ) -> bool:
        """Obey; whether this was the end."""
        fields = json.loads(message)
        if set(fields) != {"type"}:
            await socket.close(1008, "DATA-0000")
            return True
        self.controls.append(fields["type"])
        match fields["type"]:
            case "KeepAlive":
                self.kept_alive.set()
            case "Finalize":
                await ear.settle(from_finalize=True)
            case "CloseStream" if behaviour.mute_at_end:
                await socket.wait_closed()
            case "CloseStream":
                await ear.settle()
                await socket.send(json.dumps({"type": "Metadata", "request_id": "x"}))
                return True
            case _:
                await socket.close(1008, "DATA-0000")
                return True
        return False


class _Ear:
    """Understands the audio of one connection."""

    def __init__(self, socket: ServerConnection, query: Fields, behaviour: Behaviour) -> None:
        self._socket = socket
        self._endpointing = int(query["endpointing"])
        self._utterance_end = int(query.get("utterance_end_ms", "0"))
        self._interim = query["interim_results"] == "true"
        self._behaviour = behaviour
        self._heard = 0
        self._from = 0
        self._letters = ""
        self._silent_ms = 0
        self._speaking = False
        self._last_word_end = -1.0

    async def hear(self, frame: bytes) -> None:
        self._heard += 1
        if frame == SILENCE:
            await self._silence()
            return
        if not self._speaking:
            self._speaking = True
            await self._say({"type": "SpeechStarted", "channel": [0, 1], "timestamp": self._now})
        self._silent_ms = 0
        self._letters += chr(frame[0])
        self._last_word_end = self._now
        if len(self._letters) >= self._behaviour.settle_frames:
            await self.settle()
        elif self._interim and len(self._letters) % INTERIM_FRAMES == 0:
            await self._result(is_final=False)

    async def settle(self, *, speech_final: bool = False, from_finalize: bool = False) -> None:
        """What was heard since the last time is settled."""
        await self._result(is_final=True, speech_final=speech_final, from_finalize=from_finalize)
        self._from = self._heard
        self._letters = ""

    @property
    def _now(self) -> float:
        return round(self._heard * FRAME_SECONDS, 3)

    async def _silence(self) -> None:
        self._silent_ms += 20
        if self._behaviour.noisy:
            if self._silent_ms == self._utterance_end and self._last_word_end >= 0:
                await self.settle()
                end = {"type": "UtteranceEnd", "channel": [0, 1]}
                await self._say(end | {"last_word_end": self._last_word_end})
                self._speaking = False
        elif self._speaking and self._silent_ms >= self._endpointing:
            await self.settle(speech_final=True)
            self._speaking = False
        elif not self._speaking and (self._heard - self._from) >= 50:
            await self.settle()

    async def _result(self, *, is_final: bool, **flags: bool) -> None:
        text, start = self._letters.strip(), self._from * FRAME_SECONDS
        word = {"word": text, "start": start, "end": self._last_word_end, "confidence": 0.9}
        best = {"transcript": text, "confidence": 0.9 if text else 0.0}
        best["words"] = [word] if text else []
        message = {
            "type": "Results",
            "channel_index": [0, 1],
            "duration": round(self._heard * FRAME_SECONDS - start, 3),
            "start": round(start, 3),
            "is_final": is_final,
            "speech_final": False,
            "from_finalize": False,
            "channel": {"alternatives": [best]},
            "metadata": {"request_id": "x", "model_uuid": "y"},
        }
        await self._say(message | flags)

    async def _say(self, message: Fields) -> None:
        await self._socket.send(json.dumps(message))


@asynccontextmanager
async def deepgram_double(*behaviours: Behaviour) -> AsyncIterator[tuple[DeepgramDouble, str]]:
    """The vendor on a free port: the double and its base URL."""
    double = DeepgramDouble(*behaviours)
    options: Fields = {"process_request": double.admit, "compression": None, "close_timeout": 1}
    async with serve(double.listen, "127.0.0.1", 0, **options) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield double, f"http://127.0.0.1:{port}"


def _valid(query: list[tuple[str, str]]) -> bool:
    terms = [value for name, value in query if name == "keyterm"]
    rest = {name: value for name, value in query if name != "keyterm"}
    if len(rest) + len(terms) != len(query) or set(rest) - FREE != set(FIXED):
        return False
    gap = rest.get("utterance_end_ms")
    if gap is not None and (int(gap) < 1000 or rest["interim_results"] != "true"):
        return False
    return all(rest[name] == value for name, value in FIXED.items()) and bool(rest["model"])


def _refused(socket: ServerConnection, status: int, code: str, quoted: str = "") -> Response:
    body = {"err_code": code, "err_msg": f"Quoting {KEY} {quoted}", "request_id": "x"}
    return socket.respond(HTTPStatus(status), json.dumps(body))
