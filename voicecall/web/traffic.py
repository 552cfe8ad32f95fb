"""What is the web server doing right now, and how is it made to stop?

Hypercorn does not exit while a WebSocket is open (Python 3.12.1 and newer), and cancelling a
request under Quart leaves its handler behind. So every request passes here, is seen while it
runs, and can be ended the way a client would end it: by losing its connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import anyio

from voicecall.web.asgi import AsgiApp, Message, Receive, Scope, Send, refuse


class Traffic:
    """Runs `app` and keeps its requests in view; an ASGI app itself."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._requests: set[anyio.CancelScope] = set()
        self._sockets: set[anyio.CancelScope] = set()
        self._writers: WeakSet[Any] = WeakSet()
        self._changed = anyio.Event()
        self._draining = False
        self.started = anyio.Event()
        """Set when `app` has started up."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One lifespan, request or socket."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._noting_start(send))
            return
        self._look_behind(send)
        if self._draining:
            await refuse(scope, send, 503)
            return
        with self._counted(self._sockets if scope["type"] == "websocket" else self._requests):
            try:
                await self._app(scope, receive, send)
            finally:
                _drop_the_rest(receive, send)

    async def drain(self) -> None:
        """Refuse what comes, end the sockets, wait until nothing runs any more."""
        self._draining = True
        for socket in self._sockets:
            socket.cancel()
        while self._requests or self._sockets:
            self._changed = anyio.Event()
            await self._changed.wait()

    def cut(self) -> None:
        """Cut every connection, whatever is still to be sent."""
        for writer in list(self._writers):
            writer.transport.abort()

    @contextmanager
    def _counted(self, running: set[anyio.CancelScope]) -> Iterator[None]:
        with anyio.CancelScope() as scope:
            running.add(scope)
            try:
                yield
            finally:
                running.discard(scope)
                self._changed.set()

    def _noting_start(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self.started.set()

        return noting

    def _look_behind(self, send: Send) -> None:
        """Reach what Hypercorn has no setting for; without effect should its insides change.

        Compression is not negotiated, since it costs 170 kB a connection and gains nothing on
        audio; the connection's writer is kept for `cut`.
        """
        stream = _owner(send)
        if (handshake := getattr(stream, "handshake", None)) is not None:
            handshake.extensions = None
        connection = _owner(getattr(_owner(getattr(stream, "send", None)), "send", None))
        if (writer := getattr(connection, "writer", None)) is not None:
            self._writers.add(writer)


def _drop_the_rest(receive: Receive, send: Send) -> None:
    """Nobody reads what a client still sends. Hypercorn would wait for room in the queue of a
    socket whose app has returned, for ever, and with it the connection."""
    stream, queue = _owner(send), _owner(receive)
    if getattr(stream, "app_put", None) is not None and hasattr(queue, "get_nowait"):
        vars(stream)["app_put"] = _drop
        while not queue.empty():
            queue.get_nowait()


async def _drop(message: Message) -> None:
    """Take no more."""


def _owner(method: object) -> Any:
    return getattr(method, "__self__", None)
