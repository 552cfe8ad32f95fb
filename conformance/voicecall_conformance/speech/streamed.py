"""Where does a vendor's double answer piece by piece? On a loopback port, and as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import h11
from anyio.abc import SocketAttribute, SocketStream

from voicecall_conformance.vendor import RestAnswer, RestRequest, read_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """An answer that comes in `pieces`, each sent by itself; `kind` is its content type."""

    pieces: Sequence[bytes]
    kind: str


Answering = Callable[[RestRequest], Streamed | RestAnswer]
"""What the vendor answers when nobody told it to fail."""


class _Lost(Exception):
    """The connection is to be closed."""


class StreamingVendor:
    """Answers over HTTP, in pieces. It can be told how to answer the next request, once.

    Args:
        answer: the answer to a request.
    """

    def __init__(self, answer: Answering) -> None:
        self._answer = answer
        self._refusal: RestAnswer | None = None
        self._loses = False
        self._stall_after: int | None = None
        self._cut_after: int | None = None
        self._stalled = self._going_on = self._dropped = anyio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve for the block; yields the base URL."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
        port = listener.extra(SocketAttribute.local_port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, self._serve)
            yield f"http://127.0.0.1:{port}"
            tasks.cancel_scope.cancel()

    def fail(self, refusal: RestAnswer | None) -> None:
        """Refuse the next request; None: close its connection without a word."""
        self._refusal, self._loses = refusal, refusal is None

    def stall(self, after: int = 1) -> None:
        """Send so many pieces of the next answer, and the rest after `go_on`."""
        self._stall_after = after
        self._stalled, self._going_on, self._dropped = (anyio.Event() for _ in range(3))

    async def stalled(self) -> None:
        """Returns when it has done so."""
        await self._stalled.wait()

    def go_on(self) -> None:
        """Send the rest to whoever still listens."""
        self._going_on.set()

    async def dropped(self) -> None:
        """Returns when the other side closed the connection of the stalled answer."""
        await self._dropped.wait()

    def cut(self, after: int = 1) -> None:
        """Close the connection after so many pieces of the next answer."""
        self._cut_after = after

    async def _serve(self, stream: SocketStream) -> None:
        connection = h11.Connection(h11.SERVER)
        gone = (_Lost, anyio.BrokenResourceError, anyio.EndOfStream, h11.RemoteProtocolError)
        async with stream:
            with suppress(*gone):
                while (request := await read_request(stream, connection)) is not None:
                    await self._reply(self._answer(request), _Out(connection, stream))
                    connection.start_next_cycle()

    async def _reply(self, answer: Streamed | RestAnswer, out: _Out) -> None:
        refusal, self._refusal = self._refusal, None
        loses, self._loses = self._loses, False
        if loses:
            raise _Lost
        answer = refusal or answer
        if isinstance(answer, RestAnswer):
            await out.whole(answer)
            return
        stall, self._stall_after = self._stall_after, None
        cut, self._cut_after = self._cut_after, None
        await out.begin(answer.kind)
        for number, piece in enumerate(answer.pieces):
            if number == cut:
                raise _Lost
            if number == stall:
                await self._wait(out)
            await out.send(h11.Data(data=piece))
        await out.send(h11.EndOfMessage())

    async def _wait(self, out: _Out) -> None:
        """Until told to go on, or left alone."""
        self._stalled.set()
        async with anyio.create_task_group() as tasks:

            async def watch() -> None:
                with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                    await out.stream.receive()
                self._dropped.set()
                tasks.cancel_scope.cancel()

            tasks.start_soon(watch)
            await self._going_on.wait()
            tasks.cancel_scope.cancel()
        if self._dropped.is_set():
            raise _Lost


@dataclass(frozen=True, slots=True)
class _Out:
    connection: h11.Connection
    stream: SocketStream

    async def send(self, event: h11.Event) -> None:
        if data := self.connection.send(event):
            await self.stream.send(data)

    async def begin(self, kind: str) -> None:
        headers = [("content-type", kind), ("transfer-encoding", "chunked")]
        await self.send(h11.Response(status_code=200, headers=headers))

    async def whole(self, answer: RestAnswer) -> None:
        headers = [*answer.headers.items(), ("content-length", str(len(answer.body)))]
        await self.send(h11.Response(status_code=answer.status, headers=headers))
        await self.send(h11.Data(data=answer.body))
        await self.send(h11.EndOfMessage())
