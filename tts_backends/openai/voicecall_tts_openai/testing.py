"""How is the backend proved? By OpenAI on this machine: it speaks, refuses, stalls and cuts.

Both ways to speak, strict about what they accept: a field too many is refused as by the vendor.
"""

from __future__ import annotations

import base64
import json
import random
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import cycle
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import h11
from anyio.abc import SocketStream
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

KEY = "sk-proj-the-genuine-key"
BYTES_A_LETTER = 960
"""How long a letter sounds: 20 ms of 24 kHz, 16 bits."""
SPEECH_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts", "gpt-4o-mini-tts-2025-12-15")
REALTIME_MODELS = ("gpt-realtime-2", "gpt-realtime-2.1", "gpt-realtime-2.1-mini")
VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
"""Those that both roads have."""

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How the double behaves once.

    Args:
        status: other than 200: the request, or the handshake, is refused with `fault`.
        fault: OpenAI's ``error`` object.
        sizes: of the pieces that are sent, over and over.
        stall_after: bytes of audio after which nothing more comes until `go_on`.
        cut_after: bytes of audio after which the connection is lost.
        kind: the content type of the audio.
        said: what the realtime model says it read; None: the text.
        end: the realtime response's end, ``response.done`` as OpenAI writes it.
    """

    status: int = 200
    fault: Mapping[str, object] | None = None
    sizes: tuple[int, ...] = (4800,)
    stall_after: int | None = None
    cut_after: int | None = None
    kind: str = "audio/pcm"
    said: str | None = None
    end: Mapping[str, object] | None = None


def audio_of(text: str) -> bytes:
    """The sound of `text`: as long as the text, the same every time, no two samples alike."""
    return random.Random(text).randbytes(BYTES_A_LETTER * len(text))


class Refusal(Exception):
    """The double does not accept what it was sent."""

    def __init__(self, status: int, **fault: object) -> None:
        super().__init__(str(fault))
        self.status = status
        self.fault: Fields = {"message": f"Quoting {KEY}", "type": "invalid_request_error"}
        self.fault |= fault


class OpenAiDouble:
    """OpenAI's part of one test.

    `answers` is used up, then `Answer()` goes on for ever. `asked` holds every text in the order
    in which it came, `bodies` the requests, `sockets` how many realtime sessions there were.
    """

    def __init__(self, *answers: Answer, key: str = KEY) -> None:
        self.answers = deque(answers)
        self.key = key
        self.asked: list[str] = []
        self.bodies: list[Fields] = []
        self.sessions: list[Fields] = []
        self.sockets = 0
        self.go_on = anyio.Event()
        self.stalled = anyio.Event()
        self.lost = anyio.Event()

    def next_answer(self) -> Answer:
        return self.answers.popleft() if self.answers else Answer()

    async def pieces(self, text: str, answer: Answer) -> AsyncIterator[bytes]:
        """The sound of `text`, as `answer` says; ends early when it is to be cut."""
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
async def speech_double(*answers: Answer) -> AsyncIterator[tuple[OpenAiDouble, str]]:
    """`POST /v1/audio/speech` on a free port: the double and its base URL."""
    double = OpenAiDouble(*answers)
    async with AsyncExitStack() as stack:
        listener = await stack.enter_async_context(
            await anyio.create_tcp_listener(local_host="127.0.0.1")
        )
        tasks = await stack.enter_async_context(anyio.create_task_group())
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.start_soon(listener.serve, lambda stream: _serve_http(double, stream))
        yield double, f"http://127.0.0.1:{port}/v1"
        tasks.cancel_scope.cancel()


async def _serve_http(double: OpenAiDouble, stream: SocketStream) -> None:
    connection = h11.Connection(h11.SERVER)
    async with stream:
        try:
            while connection.our_state is not h11.MUST_CLOSE:
                request, body = await _request(connection, stream)
                await _answer(double, request, body, _Writer(connection, stream))
                connection.start_next_cycle()
        except (h11.RemoteProtocolError, anyio.BrokenResourceError, anyio.EndOfStream):
            double.lost.set()
        except _Cut:
            pass


class _Cut(Exception):
    pass


@dataclass(frozen=True, slots=True)
class _Writer:
    connection: h11.Connection
    stream: SocketStream

    async def send(self, event: h11.Event) -> None:
        if data := self.connection.send(event):
            await self.stream.send(data)


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


async def _answer(double: OpenAiDouble, request: h11.Request, body: bytes, out: _Writer) -> None:
    answer = double.next_answer()
    try:
        text = _accepted_speech(double, request, body)
        if answer.status != 200:
            raise Refusal(answer.status, **(answer.fault or {}))
    except Refusal as refusal:
        content = json.dumps({"error": refusal.fault}).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(content)))]
        await out.send(h11.Response(status_code=refusal.status, headers=headers))
        await out.send(h11.Data(data=content))
        await out.send(h11.EndOfMessage())
        return
    headers = [("content-type", answer.kind), ("transfer-encoding", "chunked")]
    await out.send(h11.Response(status_code=200, headers=headers))
    async for piece in double.pieces(text, answer):
        await out.send(h11.Data(data=piece))
    if answer.cut_after is not None:
        raise _Cut
    await out.send(h11.EndOfMessage())


def _accepted_speech(double: OpenAiDouble, request: h11.Request, body: bytes) -> str:
    headers = dict(request.headers)
    if (request.method, request.target) != (b"POST", b"/v1/audio/speech"):
        raise Refusal(404, code="unknown_url")
    if headers.get(b"authorization") != f"Bearer {double.key}".encode():
        raise Refusal(401, code="invalid_api_key")
    fields = json.loads(body)
    double.bodies.append(fields)
    _only(fields, "model", "input", "voice", "response_format", "speed", "instructions")
    if fields["model"] not in SPEECH_MODELS:
        raise Refusal(404, code="model_not_found", param="model")
    if fields["model"].startswith("tts-1") and "instructions" in fields:
        raise Refusal(400, code="unsupported_parameter", param="instructions")
    _voice(fields["voice"])
    if fields["response_format"] != "pcm" or not 0.25 <= fields["speed"] <= 4:
        raise Refusal(400, code="invalid_value", param="response_format")
    if not 0 < len(fields["input"]) <= 4096:
        raise Refusal(400, code="string_above_max_length", param="input")
    double.asked.append(fields["input"])
    return str(fields["input"])


@asynccontextmanager
async def realtime_double(*answers: Answer) -> AsyncIterator[tuple[OpenAiDouble, str]]:
    """`/v1/realtime` on a free port: the double and its base URL.

    An `Answer` with another status than 200 is used up by a handshake, the others by responses.
    """
    double = OpenAiDouble(*answers)

    def admit(socket: ServerConnection, request: Request) -> Response | None:
        return _admitted(double, socket, request)

    async def talk(socket: ServerConnection) -> None:
        await _serve_realtime(double, socket)

    server: Server
    async with serve(talk, "127.0.0.1", 0, process_request=admit, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield double, f"http://127.0.0.1:{port}/v1"
        double.go_on.set()


def _admitted(double: OpenAiDouble, socket: ServerConnection, request: Request) -> Response | None:
    try:
        url = urlsplit(request.path)
        if url.path != "/v1/realtime":
            raise Refusal(404, code="unknown_url")
        if request.headers.get("Authorization") != f"Bearer {double.key}":
            raise Refusal(401, code="invalid_api_key")
        if "OpenAI-Beta" in request.headers:
            raise Refusal(400, code="beta_api_shape_disabled")
        if parse_qs(url.query).get("model", [""])[0] not in REALTIME_MODELS:
            raise Refusal(404, code="model_not_found", param="model")
        if double.answers and double.answers[0].status != 200:
            answer = double.answers.popleft()
            raise Refusal(answer.status, **(answer.fault or {}))
    except Refusal as refusal:
        body = json.dumps({"error": refusal.fault})
        response = socket.respond(HTTPStatus(refusal.status), body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        return response
    return None


async def _serve_realtime(double: OpenAiDouble, socket: ServerConnection) -> None:
    double.sockets += 1
    try:
        await _send(socket, {"type": "session.created", "session": {"type": "realtime"}})
        async for message in socket:
            fields = json.loads(message)
            try:
                await _obey(double, socket, fields)
            except Refusal as refusal:
                await _send(socket, {"type": "error", "error": refusal.fault})
    except (ConnectionClosed, _Cut):
        double.lost.set()


async def _obey(double: OpenAiDouble, socket: ServerConnection, fields: Fields) -> None:
    match fields["type"]:
        case "session.update":
            _accept_session(double, fields["session"])
            await _send(socket, {"type": "session.updated", "session": fields["session"]})
        case "response.create":
            text = _accepted_reading(fields["response"])
            double.asked.append(text)
            await _read_out(double, socket, text, double.next_answer())
        case other:
            raise Refusal(400, code="invalid_value", param=str(other))


def _accept_session(double: OpenAiDouble, session: Fields) -> None:
    _only(session, "type", "output_modalities", "instructions", "audio")
    if session["type"] != "realtime" or session["output_modalities"] != ["audio"]:
        raise Refusal(400, code="invalid_value", param="session.type")
    _only(session["audio"], "input", "output")
    if session["audio"]["input"] != {"turn_detection": None}:
        raise Refusal(400, code="invalid_value", param="session.audio.input")
    output = session["audio"]["output"]
    _only(output, "format", "voice", "speed")
    _voice(output["voice"])
    if (
        output["format"] != {"type": "audio/pcm", "rate": 24000}
        or not 0.25 <= output["speed"] <= 1.5
    ):
        raise Refusal(400, code="invalid_value", param="session.audio.output")
    double.sessions.append(session)


def _accepted_reading(response: Fields) -> str:
    _only(response, "conversation", "output_modalities", "input")
    if response["conversation"] != "none" or response["output_modalities"] != ["audio"]:
        raise Refusal(400, code="invalid_value", param="response.conversation")
    (item,) = response["input"]
    _only(item, "type", "role", "content")
    (content,) = item["content"]
    if (item["type"], item["role"], content["type"]) != ("message", "user", "input_text"):
        raise Refusal(400, code="invalid_value", param="response.input")
    return str(content["text"])


async def _read_out(
    double: OpenAiDouble, socket: ServerConnection, text: str, answer: Answer
) -> None:
    about: Fields = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0}
    about["content_index"] = 0
    await _send(socket, {"type": "response.created", "response": {"id": "resp_1"}})
    if answer.fault is None:
        async for piece in double.pieces(text, answer):
            delta = base64.b64encode(piece).decode()
            await _send(socket, {"type": "response.output_audio.delta", "delta": delta} | about)
    if answer.cut_after is not None:
        socket.transport.abort()
        raise _Cut
    if answer.fault is not None:
        await _send(socket, {"type": "error", "error": dict(answer.fault)})
        return
    said = text if answer.said is None else answer.said
    done = {"type": "response.output_audio_transcript.done", "transcript": said}
    await _send(socket, done | about)
    end: Fields = {"id": "resp_1", "status": "completed", "status_details": None}
    end |= answer.end or {}
    await _send(socket, {"type": "response.done", "response": end})


async def _send(socket: ServerConnection, event: Fields) -> None:
    await socket.send(json.dumps({"event_id": "event_1"} | event))


def _only(fields: Fields, *known: str) -> None:
    for name in _others(fields, known):
        raise Refusal(400, code="unknown_parameter", param=name)


def _others(fields: Fields, known: tuple[str, ...]) -> Iterator[str]:
    yield from (name for name in fields if name not in known)


def _voice(voice: object) -> None:
    custom = isinstance(voice, dict) and str(voice.get("id", "")).startswith("voice_")
    if not custom and voice not in VOICES:
        raise Refusal(400, code="invalid_value", param="voice")
