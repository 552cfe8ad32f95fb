"""Where does a carrier's double answer? On a loopback port, as the real one does on the net."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRequest:
    """A request to the carrier's REST API. `path` and `query` are raw, header names lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RestAnswer:
    """What the REST API answers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Answering = Callable[[RestRequest], RestAnswer | None]
"""Answers a request, or None: the connection closes without a word."""


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[str]:
    """A REST API on a loopback port; yields its base URL."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(SocketAttribute.local_port)

    async def handle(stream: SocketStream) -> None:
        async with stream:
            await _converse(stream, answer)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


async def _converse(stream: SocketStream, answer: Answering) -> None:
    connection = h11.Connection(h11.SERVER)
    try:
        while (request := await read_request(stream, connection)) is not None:
            reply = answer(request)
            if reply is None:
                return
            await _send(stream, connection, reply)
            if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                return
            connection.start_next_cycle()
    except (anyio.BrokenResourceError, anyio.EndOfStream, h11.RemoteProtocolError):
        return


async def read_request(stream: SocketStream, connection: h11.Connection) -> RestRequest | None:
    """The next request of a connection; None: the other side has nothing more to say."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            try:
                connection.receive_data(await stream.receive())
            except anyio.EndOfStream:
                connection.receive_data(b"")
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _read(head, bytes(body))
        else:
            return None


def _read(head: h11.Request, body: bytes) -> RestRequest:
    parts = urlsplit(head.target.decode("ascii"))
    return RestRequest(
        method=head.method.decode("ascii"),
        path=parts.path,
        query=parts.query,
        headers={name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )


async def _send(stream: SocketStream, connection: h11.Connection, reply: RestAnswer) -> None:
    headers = [*reply.headers.items(), ("content-length", str(len(reply.body)))]
    head = h11.Response(status_code=reply.status, headers=headers)
    parts = (head, h11.Data(data=reply.body), h11.EndOfMessage())
    await stream.send(b"".join(connection.send(part) or b"" for part in parts))
