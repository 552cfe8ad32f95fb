"""What may one TCP connection do, and how many may there be? HTTP/1.1, promptly, not too many.

Hypercorn has no setting for any of this, so its connection and its HTTP/1.1 are replaced. The
tests meet each bound from outside; they tell when Hypercorn's insides change.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import anyio
import h11
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.config import Config, Sockets
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol

from voicecall.web.room import room

MAY_WAIT = 1024
"""How many connections the kernel keeps until they are accepted."""

ACCEPTED_AT_ONCE = 16
"""How many are accepted in one go, while what calls have to say waits."""

LAST_SECONDS = 1.0
LAST_BYTES = 16_000_000
"""How long, and how many, bytes are taken from a client that was refused."""


@dataclass(frozen=True)
class HeadersBegun(Event):
    """The first bytes of a request are here, but not all its headers."""


class Crowd:
    """The connections of a listener. When there are too many the one idle longest has to go.

    Args:
        limit: how many there may be; fewer where the system allows fewer than three times as many
            open files.
    """

    def __init__(self, limit: int) -> None:
        self._limit = room(limit)
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}

    def enter(self, connection: Connection) -> bool:
        """Whether there is room for one more; the one idle longest may be closed for it."""
        if len(self._open) >= self._limit and not self._make_room():
            return False
        self._open.add(connection)
        return True

    def leave(self, connection: Connection) -> None:
        """It is closed."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def note(self, connection: Connection, *, idle: bool) -> None:
        """It waits for a request from now on, or does not any more."""
        self._idle.pop(connection, None)
        if idle and connection in self._open:
            self._idle[connection] = None

    def _make_room(self) -> bool:
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.writer.transport.abort()
        return True


class ListenerConfig(Config):
    """Hypercorn's configuration, and ours of a listener."""

    header_seconds: float = 5.0
    """How long headers may take, from their first byte."""

    def __init__(self, max_connections: int = 1000) -> None:
        super().__init__()
        self.crowd = Crowd(max_connections)
        self.backlog = ACCEPTED_AT_ONCE

    def create_sockets(self) -> Sockets:
        """The sockets of `bind`, at which more may wait than `backlog`."""
        found = super().create_sockets()
        found.insecure_sockets = [_Patient(fileno=one.detach()) for one in found.insecure_sockets]
        return found


class _Patient(socket.socket):
    """A listening socket; asyncio accepts in one go as many as it lets wait."""

    def listen(self, backlog: int = 0, /) -> None:
        super().listen(MAY_WAIT)


class Connection(TCPServer):
    """Hypercorn's connection with bounds.

    It is closed as soon as its client has closed it: Hypercorn 0.18 keeps the socket until
    `keep_alive_timeout`, so that any stranger could use up our file descriptors. And headers
    that do not arrive are given up: Hypercorn waits for them as for the next request.
    """

    _client_left = False
    _headers_begun = False

    @cached_property
    def _ours(self) -> ListenerConfig:
        # Somebody else in this process may use Hypercorn with a configuration of its own.
        return self.config if isinstance(self.config, ListenerConfig) else ListenerConfig()

    async def run(self) -> None:
        """Serve the connection, if there is room."""
        crowd = self._ours.crowd
        if not crowd.enter(self):
            self.writer.transport.abort()
            return
        crowd.note(self, idle=True)
        try:
            await super().run()
        finally:
            crowd.leave(self)

    async def protocol_send(self, event: Event) -> None:
        """What the protocol has to tell."""
        if isinstance(event, HeadersBegun):
            if not self._headers_begun:
                self._headers_begun = True
                await self.idle_task.restart(self._task_group, self._idle_timeout)
            return
        if isinstance(event, Closed) and _is_refused(self.protocol.protocol):
            await self._let_it_read()
        if isinstance(event, Updated):
            self._headers_begun = event.idle and _has_begun(self.protocol.protocol)
            self._ours.crowd.note(self, idle=event.idle)
        await super().protocol_send(event)

    async def _let_it_read(self) -> None:
        """Take what a refused client still sends: closed over that, it would not see the answer."""
        left = LAST_BYTES
        with anyio.move_on_after(LAST_SECONDS), suppress(OSError, RuntimeError):
            self.writer.write_eof()
            while left > 0 and (data := await self.reader.read(left)):
                left -= len(data)

    async def _read_data(self) -> None:
        await super()._read_data()
        self._client_left = True
        await self.idle_task.stop()

    async def _idle_timeout(self) -> None:
        if self._headers_begun:
            await self._await_headers()
        elif not self._client_left:
            await super()._idle_timeout()

    async def _await_headers(self) -> None:
        """Answer 408 and close, unless cancelled before, since the headers are there."""
        with anyio.move_on_after(self._ours.header_seconds):
            await self.context.terminated.wait()
        answer: Callable[[int], Any] = self.protocol.protocol._send_error_response  # type: ignore[union-attr]
        with anyio.move_on_after(1):
            await answer(408)
        self.writer.close()


class Http1(H11Protocol):
    """Hypercorn's HTTP/1.1, which never becomes HTTP/2.

    No carrier and no client of ours asks for HTTP/2 in plain text, and what bounds a request
    here (its headers, its connection) does not bound the streams in it.
    """

    async def handle(self, event: Event) -> None:
        """Take what came."""
        await super().handle(event)
        if isinstance(event, RawData) and _has_begun(self):
            await self.send(HeadersBegun())

    async def _check_protocol(self, event: h11.Request) -> None:
        """Stay what we are."""

    async def _create_stream(self, request: h11.Request) -> None:
        names = {name for name, _ in request.headers}
        if {b"content-length", b"transfer-encoding"} <= names:
            # A proxy that believes the other one sees other requests in these bytes than we do.
            await self._send_error_response(400)
            await self.send(Closed())
            return
        await super()._create_stream(request)


def _is_refused(protocol: object) -> bool:
    """Whether what came is no HTTP/1.1 that we take."""
    connection = getattr(protocol, "connection", None)
    return isinstance(connection, h11.Connection) and connection.their_state is h11.ERROR


def _has_begun(protocol: object) -> bool:
    connection = getattr(protocol, "connection", None)
    return (
        isinstance(connection, h11.Connection)
        and connection.their_state is h11.IDLE
        and bool(connection.trailing_data[0])
    )
