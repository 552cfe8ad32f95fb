"""How is the backend proved? By ElevenLabs on this machine: it speaks, refuses, stalls and cuts.

Strict about what it accepts: a field too many is refused as by the vendor.
"""

from __future__ import annotations

import json
import random
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl

import anyio
import anyio.abc
import h11
from anyio.abc import SocketStream

KEY = "sk_the_genuine_key"
BYTES_A_LETTER = 160
"""How long a letter sounds: 20 ms of µ-law."""
MODELS = ("eleven_v3", "eleven_multilingual_v2", "eleven_flash_v2_5", "eleven_flash_v2")
RANGES = {"stability": (0, 1), "similarity_boost": (0, 1), "style": (0, 1), "speed": (0.7, 1.2)}
_PATH = re.compile(r"/v1/text-to-speech/([A-Za-z0-9]{20})/stream")

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the double behaves once.

    Args:
        status: other than 200: the request is refused.
        code: the refusal's ``detail.status``.
        body: the refusal's whole body instead.
        sizes: of the pieces that are sent, over and over.
        stall_after: bytes of audio after which nothing more comes until `go_on`.
        cut_after: bytes of audio after which the connection is lost.
        kind: the content type of the audio.
    """

    status: int = 200
    code: str = "unknown"
    body: bytes | None = None
    sizes: tuple[int, ...] = (1600,)
    stall_after: int | None = None
    cut_after: int | None = None
    kind: str = "audio/basic"


def audio_of(text: str) -> bytes:
    """The sound of `text`: as long as the text, the same every time."""
    return random.Random(text).randbytes(BYTES_A_LETTER * len(text))


class _Refusal(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = json.dumps({"detail": {"status": code, "message": f"Quoting {KEY}"}}).encode()


class _Cut(Exception):
    pass


class ElevenLabsDouble:
    """ElevenLabs' part of one test.

    `answers` is used up, then `Answer()` goes on for ever. `bodies`, `voices` and `paths`
    hold what was asked for, in the order in which it came.
    """

    def __init__(self, *answers: Answer) -> None:
        self.answers = deque(answers)
        self.bodies: list[Fields] = []
        self.voices: list[str] = []
        self.paths: list[str] = []
        self.go_on = anyio.Event()
        self.stalled = anyio.Event()
        self.lost = anyio.Event()

    async def serve(self, stream: SocketStream) -> None:
        """Answer the requests of one connection."""
        connection = h11.Connection(h11.SERVER)
        out = _Writer(connection, stream)
        async with stream:
            try:
                while connection.our_state is not h11.MUST_CLOSE:
                    await self._answer(*await _request(connection, stream), out)
                    connection.start_next_cycle()
            except (h11.RemoteProtocolError, anyio.BrokenResourceError, anyio.EndOfStream):
                self.lost.set()
            except _Cut:
                pass

    async def _answer(self, request: h11.Request, body: bytes, out: _Writer) -> None:
        answer = self.answers.popleft() if self.answers else Answer()
        try:
            text = self._accepted(request, body)
            if answer.status != 200:
                raise _Refusal(answer.status, answer.code)
        except _Refusal as refusal:
            await out.whole(refusal.status, answer.body or refusal.body)
            return
        headers = [("content-type", answer.kind), ("transfer-encoding", "chunked")]
        await out.send(h11.Response(status_code=200, headers=headers))
        async for piece in self._pieces(text, answer):
            await out.send(h11.Data(data=piece))
        if answer.cut_after is not None:
            raise _Cut
        await out.send(h11.EndOfMessage())

    def _accepted(self, request: h11.Request, body: bytes) -> str:
        path, _, query = request.target.decode().partition("?")
        self.paths.append(path)
        match = _PATH.fullmatch(path)
        if request.method != b"POST" or match is None:
            raise _Refusal(404, "voice_not_found")
        if dict(request.headers).get(b"xi-api-key") != KEY.encode():
            raise _Refusal(401, "invalid_api_key")
        if parse_qsl(query) != [("output_format", "ulaw_8000")]:
            raise _Refusal(400, "invalid_output_format")
        fields = json.loads(body)
        _require_valid(fields)
        self.bodies.append(fields)
        self.voices.append(match[1])
        return str(fields["text"])

    async def _pieces(self, text: str, answer: Answer) -> AsyncIterator[bytes]:
        audio, at = audio_of(text), 0
        if answer.cut_after == 0:
            return
        if answer.stall_after == 0:
            self.stalled.set()
            await self.go_on.wait()
        stops = [stop for stop in (answer.stall_after, answer.cut_after) if stop is not None]
        for size in cycle(answer.sizes):
            edge = min([size + at, len(audio), *(stop for stop in stops if stop > at)])
            yield audio[at:edge]
            at = edge
            if at == answer.stall_after:
                self.stalled.set()
                await self.go_on.wait()
            if at == answer.cut_after or at == len(audio):
                return


@asynccontextmanager
async def elevenlabs_double(*answers: Answer) -> AsyncIterator[tuple[ElevenLabsDouble, str]]:
    """The vendor on a free port: the double and its base URL."""
    double = ElevenLabsDouble(*answers)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, double.serve)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield double, f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


@dataclass(frozen=True, slots=True)
class _Writer:
    connection: h11.Connection
    stream: SocketStream

    async def send(self, event: h11.Event) -> None:
        if data := self.connection.send(event):
            await self.stream.send(data)

    async def whole(self, status: int, body: bytes) -> None:
        headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
        await self.send(h11.Response(status_code=status, headers=headers))
        await self.send(h11.Data(data=body))
        await self.send(h11.EndOfMessage())


async def _request(connection: h11.Connection, stream: SocketStream) -> tuple[h11.Request, bytes]:
    request, body = None, b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage) and request is not None:
            return request, body
        else:
            raise anyio.EndOfStream


def _require_valid(fields: Fields) -> None:
    known = {"text", "model_id", "voice_settings", "language_code", "seed"}
    known |= {"apply_text_normalization"}
    settings = fields.get("voice_settings", {})
    if set(fields) - known or set(settings) - set(RANGES) - {"use_speaker_boost"}:
        raise _Refusal(422, "unknown_field")
    if fields["model_id"] not in MODELS:
        raise _Refusal(400, "model_not_found")
    for name, (low, high) in RANGES.items():
        if not low <= settings.get(name, low) <= high:
            raise _Refusal(400, "invalid_voice_settings")
    if not fields["text"] or fields.get("apply_text_normalization", "on") not in (
        "auto",
        "on",
        "off",
    ):
        raise _Refusal(422, "invalid_request")
