"""What can go wrong between two sockets? A TCP proxy that delays, splits, cuts and falls silent."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from voicecall.tasks import unwrapped

READ_BYTES = 16 * 1024
CONNECT_SECONDS = 5.0
ON_THE_WAY = 64
"""Pieces that may be delayed at once; then the sender is kept waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How one connection is treated; times in real seconds, amounts in bytes of both directions.

    Args:
        refused: it is reset as soon as it is made.
        latency: added to everything, in each direction.
        jitter: added beside it, at most; nothing overtakes.
        single_bytes: so many bytes at the beginning travel one by one.
        trickle: pause after each of those.
        split: what follows is cut into pieces of at most so many bytes; 0: as it comes.
        cut_after: reset after so many bytes.
        silent_after: half-open after so many bytes: nothing is forwarded, nothing is closed.
        silent_for: a half-open connection is reset after so long.
    """

    refused: bool = False
    latency: float = 0.0
    jitter: float = 0.0
    single_bytes: int = 0
    trickle: float = 0.0
    split: int = 0
    cut_after: int | None = None
    silent_after: int | None = None
    silent_for: float = 60.0


CALM = Weather()

_Delayed = tuple[float, bytes]


class ChaosProxy:
    """Leads connections to a target, each under the weather that it is given.

    Args:
        forecast: the weather of the next connection.
        dice: jitter and splitting.
    """

    def __init__(self, forecast: Callable[[], Weather], dice: random.Random) -> None:
        self._forecast = forecast
        self._dice = dice
        self._target: tuple[str, int] | None = None
        self.host, self.port = "127.0.0.1", 0
        self.connections = 0
        """How many there were."""
        self.open = 0
        """How many there are."""

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, forecast: Callable[[], Weather], dice: random.Random
    ) -> AsyncIterator[ChaosProxy]:
        """The proxy on a free loopback port; what is still open is cut at the end."""
        proxy = cls(forecast, dice)
        listener = await anyio.create_tcp_listener(local_host=proxy.host, local_port=0)
        proxy.port = listener.extra(SocketAttribute.local_port)
        with unwrapped():
            async with listener, anyio.create_task_group() as tasks:
                tasks.start_soon(listener.serve, proxy._carry)
                yield proxy
                tasks.cancel_scope.cancel()

    def lead_to(self, host: str, port: int) -> None:
        """Where connections go from now on."""
        self._target = (host, port)

    async def _carry(self, near: SocketStream) -> None:
        self.connections += 1
        self.open += 1
        try:
            async with near:
                await self._connect(near, self._forecast())
        finally:
            self.open -= 1

    async def _connect(self, near: SocketStream, weather: Weather) -> None:
        if weather.refused or self._target is None:
            _reset(near)
            return
        try:
            with anyio.fail_after(CONNECT_SECONDS):
                far = await anyio.connect_tcp(*self._target)
        except (OSError, TimeoutError):
            _reset(near)
            return
        async with far:
            await _Connection(near, far, weather, self._dice).run()


class _Connection:
    """One connection in its weather."""

    def __init__(
        self, near: SocketStream, far: SocketStream, weather: Weather, dice: random.Random
    ) -> None:
        self._near = near
        self._far = far
        self._weather = weather
        self._dice = dice
        self._carried = 0
        self._silent = False
        self._single = weather.single_bytes

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            for source, sink in ((self._near, self._far), (self._far, self._near)):
                tasks.start_soon(self._pump, source, sink, tasks.cancel_scope)

    async def _pump(
        self, source: SocketStream, sink: SocketStream, ending: anyio.CancelScope
    ) -> None:
        send, receive = anyio.create_memory_object_stream[_Delayed](ON_THE_WAY)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, source, send)
                await self._write(receive, sink, ending)
                tasks.cancel_scope.cancel()
        except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
            self._cut(ending)

    async def _read(self, source: SocketStream, out: MemoryObjectSendStream[_Delayed]) -> None:
        weather, release = self._weather, 0.0
        with out:
            while True:
                try:
                    data = await source.receive(READ_BYTES)
                except anyio.EndOfStream:
                    return
                delay = weather.latency + weather.jitter * self._dice.random()
                release = max(release, anyio.current_time() + delay)
                await out.send((release, data))

    async def _write(
        self,
        pieces: MemoryObjectReceiveStream[_Delayed],
        sink: SocketStream,
        ending: anyio.CancelScope,
    ) -> None:
        with pieces:
            async for release, data in pieces:
                await anyio.sleep_until(release)
                for piece in self._split(data):
                    if not await self._allowed(piece, ending):
                        return
                    await sink.send(piece)
                    if len(piece) == 1:
                        await anyio.sleep(self._weather.trickle)
        if self._silent:
            await self._stay_silent(ending)
        await sink.send_eof()

    def _split(self, data: bytes) -> list[bytes]:
        count = min(self._single, len(data))
        self._single -= count
        pieces, rest = [data[at : at + 1] for at in range(count)], data[count:]
        while rest:
            size = self._dice.randint(1, self._weather.split) if self._weather.split else len(rest)
            pieces.append(rest[:size])
            rest = rest[size:]
        return pieces

    async def _allowed(self, piece: bytes, ending: anyio.CancelScope) -> bool:
        """Whether `piece` may go on; ends the connection, or holds it, when not."""
        self._carried += len(piece)
        weather = self._weather
        if weather.cut_after is not None and self._carried > weather.cut_after:
            self._cut(ending)
            return False
        if weather.silent_after is not None and self._carried > weather.silent_after:
            self._silent = True
        if self._silent:
            await self._stay_silent(ending)
            return False
        return True

    async def _stay_silent(self, ending: anyio.CancelScope) -> None:
        await anyio.sleep(self._weather.silent_for)
        self._cut(ending)

    def _cut(self, ending: anyio.CancelScope) -> None:
        _reset(self._near)
        _reset(self._far)
        ending.cancel()


def _reset(stream: SocketStream) -> None:
    """When `stream` is closed, the other side sees a reset and not an end."""
    raw = stream.extra(SocketAttribute.raw_socket)
    if raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
