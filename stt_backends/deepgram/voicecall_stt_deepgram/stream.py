"""What goes over a connection, and what survives its loss? One call's audio and words."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import anyio
from anyio.abc import ObjectReceiveStream
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voicecall.sdk import SpeechError, TranscriptSink
from voicecall_stt_deepgram import faults
from voicecall_stt_deepgram.messages import (
    CLOSE_STREAM,
    FINALIZE,
    KEEP_ALIVE,
    Result,
    Unusable,
    parse,
)
from voicecall_stt_deepgram.turns import Turns
from voicecall_stt_deepgram.unheard import Unheard


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


class Stream:
    """One call, over one connection after another.

    Args:
        frames: what the caller says; not taken while there is no connection.
        out: takes what was recognised.
        silence_seconds: silence that ends a turn; also when there is no audio at all.
        patience: how long to wait for what.
    """

    def __init__(
        self,
        frames: ObjectReceiveStream[bytes],
        out: TranscriptSink,
        silence_seconds: float,
        patience: Patience,
    ) -> None:
        self.was_connected = False
        self._frames = frames
        self._out = out
        self._silence_seconds = silence_seconds
        self._patience = patience
        self._turns = Turns()
        self._unheard = Unheard()
        self._progress = False
        self._ended = False
        self._sent_at = 0.0

    def take_progress(self) -> bool:
        """Whether anything was recognised since this was asked last."""
        progress, self._progress = self._progress, False
        return progress

    async def finish(self) -> None:
        """End what was begun; nothing more will be heard."""
        for event in self._turns.finish():
            await self._out.write(event)

    async def run(self, socket: ClientConnection) -> SpeechError | None:
        """Send and receive until the connection ends.

        Returns:
            None when the audio has ended and all words are there, else why the connection is lost.
        """
        self.was_connected = True
        self._turns.reconnect()
        self._unheard.reconnect()
        error = None
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as receiving:
                tasks.start_soon(self._send, socket, receiving)
                tasks.start_soon(self._mind_gaps, socket)
                error = await self._receive(socket)
            tasks.cancel_scope.cancel()
        return error

    async def _send(self, socket: ClientConnection, receiving: anyio.CancelScope) -> None:
        try:
            while True:
                while (frame := self._unheard.take()) is not None:
                    await socket.send(frame)
                    self._sent_at = anyio.current_time()
                self._unheard.add(await self._frames.receive())
        except anyio.EndOfStream:
            await self._close(socket, receiving)
        except ConnectionClosed:
            return  # The receiving side says why.

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
        try:
            async for text in socket:
                message = parse(text)
                if isinstance(message, Unusable):
                    return faults.unusable(message.about)
                if message is None:
                    continue
                for event in self._turns.hear(message, self._unheard.position):
                    await self._out.write(event)
                if isinstance(message, Result):
                    self._progress = True
                    if message.is_final:
                        self._unheard.recognised(message.until)
            if self._ended:
                return None
        except ConnectionClosed:
            pass
        return faults.of_close(socket.close_code, socket.close_reason or "")
