"""How does a carrier hold a media socket? Text frames both ways, the unsent ones bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from voicecall.sdk import MediaError

CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 1.0
UNSENT_FRAMES = 1500
"""What waits for a gateway that does not read: 30 s; more is dropped."""
MESSAGE_BYTES = 1024 * 1024
INVALID_FRAME = 1007


class StreamFailed(Exception):
    """The socket could not be opened, or the gateway broke the protocol."""


class MediaSocket:
    """The carrier's end of one media socket.

    Args:
        heard: takes every frame of the gateway; `MediaError` ends the stream.
    """

    def __init__(self, heard: Callable[[str | bytes], None]) -> None:
        self._heard = heard
        self._send, self._unsent = anyio.create_memory_object_stream[str](UNSENT_FRAMES)
        self._socket: ClientConnection | None = None

    async def run(
        self,
        url: str,
        *,
        started: Callable[[], None],
        stopping: Callable[[], None],
        headers: Mapping[str, str] | None = None,
        connect_to: tuple[str, int] | None = None,
    ) -> None:
        """Stream until the gateway closes, or until cancelled.

        Args:
            url: of the handshake.
            started: called when the socket is open; its frames come first.
            stopping: called when it is over; its frames come last.
            headers: of the handshake, beside the usual ones.
            connect_to: host and port, where `url` does not lead there by itself.

        Raises:
            StreamFailed: no connection, or a frame that the carrier does not accept.
        """
        with self._send, self._unsent:
            socket = self._socket = await _open(url, headers or {}, connect_to)
            started()
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._write, socket)
                    failure = await self._read(socket)
                    tasks.cancel_scope.cancel()
            finally:
                stopping()
                await self._close(socket)
            if failure is not None:
                raise StreamFailed(failure)

    def send(self, frame: str) -> None:
        """Queue a frame; dropped when the gateway has not read for long, or the socket is over."""
        with suppress(anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._send.send_nowait(frame)

    def cut(self) -> None:
        """Lose the connection, without a word."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def _write(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in self._unsent:
                await socket.send(text)

    async def _read(self, socket: ClientConnection) -> str | None:
        """Obey until the socket is closed; returns what the gateway did wrong, if anything."""
        try:
            async for text in socket:
                self._heard(text)
        except MediaError as error:
            await socket.close(INVALID_FRAME, "invalid frame")
            return error.message
        except ConnectionClosed:
            return None
        return None

    async def _close(self, socket: ClientConnection) -> None:
        """Send what was said up to the end, then close; one that does not hear us is cut."""
        try:
            with anyio.move_on_after(CLOSE_SECONDS, shield=True):
                with suppress(ConnectionClosed, anyio.WouldBlock):
                    while True:
                        await socket.send(self._unsent.receive_nowait())
                await socket.close()
        finally:
            socket.transport.abort()


async def _open(
    url: str, headers: Mapping[str, str], connect_to: tuple[str, int] | None
) -> ClientConnection:
    where: dict[str, Any] = {}
    if connect_to is not None:
        where["host"], where["port"] = connect_to
    try:
        return await connect(
            url,
            additional_headers=headers,
            open_timeout=CONNECT_SECONDS,
            close_timeout=CLOSE_SECONDS,
            compression=None,
            max_size=MESSAGE_BYTES,
            proxy=None,
            **where,
        )
    except (OSError, TimeoutError, WebSocketException) as error:
        raise StreamFailed(f"no media stream: {type(error).__name__}: {error}") from error
