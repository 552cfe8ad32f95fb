"""How is the responder proved? By vendors on this machine: they answer, refuse, stall and cut."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream

from voicecall_responder_model.double.dialects import (
    DIALECTS,
    Dialect,
    Fields,
    Refusal,
    Said,
)

KEY = "sk-the-genuine-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """How the double behaves once.

    Args:
        said: the answer.
        status: other than 200: the request is refused, with `fault`.
        fault: the ``error`` object.
        headers: further ones of the answer.
        size: bytes of each piece on the wire; odd, so that events and letters are cut.
        stall_after: events after which nothing more comes until `go_on`.
        cut_after: events after which the connection is lost.
        raw: sent instead of an answer.
        kind: the answer's content type.
    """

    said: Said = Said()
    status: int = 200
    fault: Mapping[str, object] = field(default_factory=dict)
    headers: Sequence[tuple[str, str]] = ()
    size: int = 7
    stall_after: int | None = None
    cut_after: int | None = None
    raw: bytes | None = None
    kind: str = "text/event-stream; charset=utf-8"


class VendorDouble:
    """All three APIs on one port.

    `script` is used up; a request beyond it is an error. `asked` holds the bodies of accepted
    requests, `refused` why others were not.
    """

    def __init__(self, *script: Scripted) -> None:
        self.script = deque(script)
        self.asked: list[Fields] = []
        self.refused: list[str] = []
        self.go_on = anyio.Event()
        self.stalled = anyio.Event()
        self.hung_up = anyio.Event()
        self.connections = 0

    def next_script(self, body: Fields) -> Scripted:
        """How the accepted request `body` is answered."""
        return self.script.popleft()

    async def serve(self, stream: SocketStream) -> None:
        """Answer the requests of one connection."""
        self.connections += 1
        connection = h11.Connection(h11.SERVER)
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, _Over):
                while True:
                    request, body = await _request(connection, stream)
                    await self._answer(request, body, connection, stream)
                    connection.start_next_cycle()

    async def _answer(
        self, request: h11.Request, body: bytes, connection: h11.Connection, stream: SocketStream
    ) -> None:
        try:
            dialect = _accepted(request, json.loads(body))
        except (Refusal, KeyError, TypeError) as error:
            self.refused.append(f"{type(error).__name__}: {error}")
            fault = {"type": "invalid_request_error", "message": str(error)}
            await _refuse(Scripted(status=400, fault=fault), connection, stream)
            return
        self.asked.append(json.loads(body))
        script = self.next_script(self.asked[-1])
        if script.status != 200:
            await _refuse(script, connection, stream)
        else:
            await self._stream(dialect, script, connection, stream)

    async def _stream(
        self, dialect: Dialect, script: Scripted, connection: h11.Connection, stream: SocketStream
    ) -> None:
        headers = [("content-type", script.kind), ("transfer-encoding", "chunked")]
        head = h11.Response(status_code=200, headers=[*headers, *script.headers])
        await stream.send(connection.send(head) or b"")
        pieces = [script.raw] if script.raw is not None else dialect.pieces(script.said)
        for number, piece in enumerate(pieces):
            if number == script.cut_after:
                raise _Over
            if number == script.stall_after:
                await self._stall(stream)
            for at in range(0, len(piece), script.size):
                data = h11.Data(data=piece[at : at + script.size])
                await stream.send(connection.send(data) or b"")
        await stream.send(connection.send(h11.EndOfMessage()) or b"")

    async def _stall(self, stream: SocketStream) -> None:
        """Send nothing until told to go on; notice when the other side hangs up before."""
        self.stalled.set()
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    await stream.receive()
                self.hung_up.set()
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self.go_on.wait()
            tasks.cancel_scope.cancel()
        if self.hung_up.is_set():
            raise _Over


class _Over(Exception):
    """The connection is to be closed."""


@asynccontextmanager
async def vendor_double(*script: Scripted) -> AsyncIterator[tuple[VendorDouble, str]]:
    """A double on a free port, and its origin; OpenAI's base URL is that and ``/v1``."""
    double = VendorDouble(*script)
    async with serving(double) as origin:
        yield double, origin


@asynccontextmanager
async def serving(double: VendorDouble) -> AsyncIterator[str]:
    """`double` on a free port; its origin."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, double.serve)
        yield f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


def _accepted(request: h11.Request, body: Fields) -> Dialect:
    path = request.target.decode().partition("?")[0]
    found = [dialect for dialect in DIALECTS.values() if dialect.path == path]
    if request.method != b"POST" or not found:
        raise Refusal(f"no such endpoint: {path}")
    (dialect,) = found
    headers = {name.decode(): value.decode() for name, value in request.headers}
    keys = {headers.get("authorization"), f"Bearer {headers.get('x-api-key')}"}
    if f"Bearer {KEY}" not in keys:
        raise Refusal("the key")
    if dialect.path == "/v1/messages" and "anthropic-version" not in headers:
        raise Refusal("anthropic-version")
    dialect.require(body)
    return dialect


async def _request(connection: h11.Connection, stream: SocketStream) -> tuple[h11.Request, bytes]:
    request: h11.Request | None = None
    body = b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive())
        elif isinstance(event, h11.Request):
            request = event
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            raise _Over
    assert request is not None
    return request, body


async def _refuse(script: Scripted, connection: h11.Connection, stream: SocketStream) -> None:
    body = json.dumps({"type": "error", "error": dict(script.fault)}).encode()
    headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
    head = h11.Response(status_code=script.status, headers=[*headers, *script.headers])
    for event in (head, h11.Data(data=body), h11.EndOfMessage()):
        await stream.send(connection.send(event) or b"")
