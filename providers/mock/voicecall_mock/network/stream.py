"""How does the network stream a call? A WebSocket to the gateway, 20 ms µ-law both ways."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from uuid import uuid4

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from voicecall.sdk import MediaError
from voicecall_mock.media import (
    Clear,
    Connected,
    Dtmf,
    FromNetwork,
    Mark,
    Media,
    Start,
    Stop,
    read_gateway_frame,
    write_frame,
)
from voicecall_mock.network.line import PhoneLine

CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 1.0
UNSENT_FRAMES = 1500
"""What waits for a gateway that does not read: 30 s; more is dropped."""
MESSAGE_BYTES = 1024 * 1024
INVALID_FRAME = 1007


class StreamFailed(Exception):
    """The stream could not be opened, or the gateway broke its protocol."""


class GatewayStream:
    """One media stream of one call."""

    def __init__(self, *, call_id: str, line: PhoneLine) -> None:
        self._id = f"MS{uuid4().hex}"
        self._call_id = call_id
        self._line = line
        self._send, self._unsent = anyio.create_memory_object_stream[str](UNSENT_FRAMES)
        self._socket: ClientConnection | None = None

    async def run(self, url: str, started: Callable[[], None]) -> None:
        """Stream until the gateway closes; when cancelled, say stop and close.

        Raises:
            StreamFailed: no connection, or a frame that the network does not accept.
        """
        with self._send, self._unsent:
            socket = self._socket = await self._open(url)
            await self._run(socket, started)

    async def _run(self, socket: ClientConnection, started: Callable[[], None]) -> None:
        self._queue(Connected())
        self._queue(Start(stream_id=self._id, call_id=self._call_id))
        started()
        self._line.on_said = self._said
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write, socket)
                failure = await self._read(socket)
                tasks.cancel_scope.cancel()
        finally:
            self._line.on_said = None
            self._line.to_phone.clear()
            await self._close(socket)
        if failure is not None:
            raise StreamFailed(failure)

    def press(self, digit: str) -> None:
        """Tell the gateway that a key was pressed."""
        self._queue(Dtmf(stream_id=self._id, digit=digit))

    def cut(self) -> None:
        """Lose the connection, without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _open(self, url: str) -> ClientConnection:
        try:
            return await connect(
                url,
                open_timeout=CONNECT_SECONDS,
                close_timeout=CLOSE_SECONDS,
                compression=None,
                max_size=MESSAGE_BYTES,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException) as error:
            raise StreamFailed(f"no media stream: {type(error).__name__}: {error}") from error

    def _queue(self, frame: FromNetwork) -> None:
        with suppress(anyio.WouldBlock, anyio.ClosedResourceError):
            self._send.send_nowait(write_frame(frame))

    def _said(self, audio: bytes) -> None:
        self._queue(Media(stream_id=self._id, payload=audio))

    async def _write(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in self._unsent:
                await socket.send(text)

    async def _read(self, socket: ClientConnection) -> str | None:
        """Obey until the socket is closed; returns what the gateway did wrong, if anything."""
        try:
            async for text in socket:
                self._obey(text)
        except MediaError as error:
            await socket.close(INVALID_FRAME, "invalid frame")
            return error.message
        except ConnectionClosed:
            return None
        return None

    def _obey(self, text: str | bytes) -> None:
        frame = read_gateway_frame(text)
        if frame.stream_id != self._id:
            raise MediaError(f"a frame for another stream: {frame.stream_id!r}")
        match frame:
            case Media(payload=payload):
                self._line.to_phone.play(payload)
            case Mark():
                self._line.to_phone.mark(lambda: self._queue(frame))
            case Clear():
                self._line.to_phone.clear()

    async def _close(self, socket: ClientConnection) -> None:
        """Send what was said up to the end, then stop and close."""
        self._queue(Stop(stream_id=self._id))
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            with suppress(ConnectionClosed, anyio.WouldBlock):
                while True:
                    await socket.send(self._unsent.receive_nowait())
            await socket.close()
