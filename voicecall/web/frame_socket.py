"""How does a media session talk through an ASGI WebSocket, and notice that it is gone?

The server neither raises when we send after a disconnect nor bounds what we queue. So one task
reads, one writes, and both ends of both queues are bounded: inbound by backpressure down to the
carrier's TCP window, outbound by closing the socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from voicecall.errors import MediaError
from voicecall.media.notice import Notice
from voicecall.web.asgi import Receive, Send

CLOSE_SECONDS = 1.0
"""How long a closing socket waits for what is queued, and then for the other end's close."""

UNREAD_FRAMES = 64
"""Frames that wait for the session before the carrier is made to wait."""

TRY_AGAIN_LATER = 1013


class AsgiFrameSocket:
    """A `FrameSocket` on the `receive` and `send` of a scope of type ``websocket``.

    Args:
        receive: the server's.
        send: the server's.
        max_unsent_bytes: more than this waiting closes the socket with 1013.
        on_first_frame: called once, when the other end has sent something.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        *,
        max_unsent_bytes: int,
        on_first_frame: Callable[[], object],
    ) -> None:
        self._asgi_receive = receive
        self._asgi_send = send
        self._max_unsent_bytes = max_unsent_bytes
        self._on_first_frame = on_first_frame
        self._unread: deque[str | bytes] = deque()
        self._arrived, self._taken = Notice(), Notice()
        self._outbox: deque[str | bytes] = deque()
        self._unsent = 0
        self._wake = anyio.Event()
        self._sending = anyio.CancelScope()
        self._closing: tuple[int, str] | None = None
        self._gone = anyio.Event()
        self._finished = anyio.Event()

    async def accept(self) -> None:
        """Complete the handshake."""
        await self._asgi_receive()
        await self._asgi_send({"type": "websocket.accept"})

    async def receive(self) -> str | bytes | None:
        """The next frame; None when the socket is closed, by whom ever."""
        while not self._unread:
            if self._closing is not None or self._gone.is_set():
                return None
            await self._arrived.wait()
        self._taken.give()
        return self._unread.popleft()

    async def send(self, frame: str | bytes) -> None:
        """Queue a frame.

        Raises:
            MediaError: the socket is closed, or too much is unsent, which closes it.
        """
        if self._closing is not None or self._gone.is_set():
            raise MediaError("the media socket is closed")
        if self._unsent + len(frame) > self._max_unsent_bytes:
            self._begin_close(TRY_AGAIN_LATER, "too slow")
            self._sending.cancel()
            raise MediaError(
                f"the carrier left {self._unsent} bytes unread (limits.unsentBytesPerSocket)"
            )
        self._outbox.append(frame)
        self._unsent += len(frame)
        self._wake.set()

    async def close(self, code: int, reason: str = "") -> None:
        """Send what is queued, then close; returns when it is over, in bounded time."""
        self._begin_close(code, reason)
        await self._finished.wait()

    async def pump(self) -> None:
        """Move frames until the socket is closed. Cancelling does not end it, `close` does."""
        with anyio.CancelScope(shield=True):
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._read)
                    await self._write()
                    await self._say_goodbye()
                    tasks.cancel_scope.cancel()
            finally:
                self._gone.set()
                self._arrived.give()
                self._finished.set()

    def _begin_close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._unread.clear()
            self._arrived.give()
            self._taken.give()
            self._sending.deadline = anyio.current_time() + CLOSE_SECONDS
            self._wake.set()

    async def _read(self) -> None:
        message = await self._asgi_receive()
        if message["type"] == "websocket.receive":
            self._on_first_frame()
        while message["type"] == "websocket.receive":
            text = message.get("text")
            await self._deliver(text if text is not None else message["bytes"])
            message = await self._asgi_receive()
        self._gone.set()
        self._arrived.give()
        self._wake.set()
        self._sending.cancel()

    async def _deliver(self, frame: str | bytes) -> None:
        while len(self._unread) >= UNREAD_FRAMES and self._closing is None:
            await self._taken.wait()
        if self._closing is not None:
            return  # what still comes is read only to hear the other end's close
        self._unread.append(frame)
        self._arrived.give()

    async def _write(self) -> None:
        with self._sending:
            while self._outbox or (self._closing is None and not self._gone.is_set()):
                if not self._outbox:
                    await self._wake.wait()
                    self._wake = anyio.Event()
                    continue
                frame = self._outbox.popleft()
                kind = "text" if isinstance(frame, str) else "bytes"
                await self._asgi_send({"type": "websocket.send", kind: frame})
                self._unsent -= len(frame)

    async def _say_goodbye(self) -> None:
        """Close in form: ours, then the other end's, lest a reset swallow ours."""
        self._outbox.clear()
        if self._closing is None or self._gone.is_set():
            return
        code, reason = self._closing
        with anyio.move_on_after(CLOSE_SECONDS):
            await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})
            await self._gone.wait()
