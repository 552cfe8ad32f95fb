"""What goes over a connection, and what survives its loss? One call's audio and words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from logging import Logger

import anyio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voicecall.sdk import ReconnectingStream, SpeechError, TranscriptSink
from voicecall_stt_deepgram import faults
from voicecall_stt_deepgram.messages import (
    CLOSE_STREAM,
    FINALIZE,
    KEEP_ALIVE,
    Complaint,
    Message,
    Result,
    Unreadable,
    parse,
)
from voicecall_stt_deepgram.turns import Turns


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Real seconds.

    Args:
        connect_seconds: for a connection to come about.
        ping_seconds: between pings, and for their answer: a dead line is noticed so.
        keep_alive_seconds: without audio until Deepgram is told that we are there; it hangs up
            after 10.
        finish_seconds: for the last words, once the audio has ended.
        retry_seconds: before each attempt to replace a lost connection.
        look_seconds: between looks whether audio still comes.
    """

    connect_seconds: float = 5.0
    ping_seconds: float = 5.0
    keep_alive_seconds: float = 4.0
    finish_seconds: float = 5.0
    retry_seconds: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    look_seconds: float = 0.2


PATIENCE = Patience()


class Stream(ReconnectingStream):
    """One call, over one connection after another.

    Args:
        connect: gives a connection.
        out: takes what was recognised.
        silence_seconds: silence that ends a turn; also when there is no audio at all.
        patience: how long to wait for what.
        logger: gets a line for each lost connection.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[ClientConnection]],
        out: TranscriptSink,
        *,
        silence_seconds: float,
        patience: Patience,
        logger: Logger,
    ) -> None:
        super().__init__(vendor="Deepgram", retry_seconds=patience.retry_seconds, logger=logger)
        self._connect = connect
        self._out = out
        self._silence_seconds = silence_seconds
        self._patience = patience
        self._turns = Turns()
        self._ended = False
        self._sent_at = 0.0

    async def finish(self) -> None:
        """End what was begun; nothing more will be heard."""
        for event in self._turns.finish():
            await self._out.write(event)

    async def converse(self) -> SpeechError | None:
        """One connection's life; None: the audio has ended and everything was said."""
        try:
            async with self._connect() as socket:
                return await self._run(socket)
        except SpeechError as error:
            return error

    async def _run(self, socket: ClientConnection) -> SpeechError | None:
        self.connected()
        self._turns.reconnect()
        error = None
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as receiving:
                tasks.start_soon(self._send, socket, receiving)
                tasks.start_soon(self._mind_gaps, socket)
                error = await self._receive(socket)
            tasks.cancel_scope.cancel()
        return error

    async def _send(self, socket: ClientConnection, receiving: anyio.CancelScope) -> None:
        with suppress(ConnectionClosed):  # The receiving side says why.
            while (frame := await self.next_frame()) is not None:
                await socket.send(frame)
                self._sent_at = anyio.current_time()
            await self._close(socket, receiving)

    async def _close(self, socket: ClientConnection, receiving: anyio.CancelScope) -> None:
        """The audio has ended: ask for the last words, and wait for them a while."""
        self._ended = True
        receiving.deadline = anyio.current_time() + self._patience.finish_seconds
        with suppress(ConnectionClosed):
            await socket.send(CLOSE_STREAM)

    async def _mind_gaps(self, socket: ClientConnection) -> None:
        """Where no audio comes Deepgram hears no silence: end the turn, keep the connection."""
        told_at = self._sent_at = anyio.current_time()
        finalized_at = 0.0
        try:
            while not self._ended:
                await anyio.sleep(self._patience.look_seconds)
                now = anyio.current_time()
                gap = now - self._sent_at
                if (
                    gap >= self._silence_seconds
                    and self._turns.speaking
                    and finalized_at < self._sent_at
                ):
                    finalized_at = now
                    await socket.send(FINALIZE)
                if min(gap, now - told_at) >= self._patience.keep_alive_seconds:
                    told_at = now
                    await socket.send(KEEP_ALIVE)
        except ConnectionClosed:
            return  # The receiving side says why.

    async def _receive(self, socket: ClientConnection) -> SpeechError | None:
        with suppress(ConnectionClosed):
            async for text in socket:
                if (error := await self._obey(parse(text))) is not None:
                    return error
            if self._ended:
                return None
        return faults.of_close(socket.close_code, socket.close_reason or "")

    async def _obey(self, message: Message) -> SpeechError | None:
        """Take a message; the error, if it is one that the connection does not survive."""
        match message:
            case None:
                return None
            case Complaint():
                return faults.complaint()
            case Unreadable(reason=reason):
                return faults.unusable(reason) if self.unreadable(reason) else None
        for event in self._turns.hear(message, self.unheard.position):
            await self._out.write(event)
        if isinstance(message, Result):
            self.progressed()
            if message.is_final:
                self.unheard.recognised(message.until)
        return None
