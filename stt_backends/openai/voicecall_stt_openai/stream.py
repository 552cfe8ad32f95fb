"""What goes over a connection, and what survives its loss? One call's audio and words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from logging import Logger

import anyio
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voicecall.sdk import (
    FRAME_SECONDS,
    MULAW_8K,
    ReconnectingStream,
    SpeechError,
    SpeechEvent,
    TranscriptSink,
)
from voicecall_stt_openai import faults
from voicecall_stt_openai.messages import Failed, Fault, Message, Unreadable, append, parse
from voicecall_stt_openai.turns import Turns

SILENT_FRAME = b"\xff" * MULAW_8K.frame_bytes
IDLE_SECONDS = 1.0
"""How much is sent again after a loss while nobody speaks: OpenAI may hear a voice late."""
MORE_SILENCE_SECONDS = 0.3
"""How much more silence than OpenAI waits for ends the last turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Real seconds.

    Args:
        connect_seconds: for a connection to come about.
        ping_seconds: between pings, and for their answer: a dead line is noticed so.
        writing_seconds: for a turn to be written down after its end.
        finish_seconds: for the last words, once the audio has ended.
        linger_seconds: for OpenAI to hear a voice in the last audio.
        retry_seconds: before each attempt to replace a lost connection.
        look_seconds: between looks whether something takes too long.
    """

    connect_seconds: float = 5.0
    ping_seconds: float = 5.0
    writing_seconds: float = 8.0
    finish_seconds: float = 5.0
    linger_seconds: float = 0.5
    retry_seconds: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
    look_seconds: float = 0.2


PATIENCE = Patience()


class Stream(ReconnectingStream):
    """One call, over one connection after another.

    Args:
        connect: gives a connection.
        out: takes what was recognised.
        greeting: the first message of each connection.
        model: the model that is asked.
        silence_seconds: what OpenAI waits for until it ends a turn.
        patience: how long to wait for what.
        logger: gets a line for each lost connection.
    """

    def __init__(
        self,
        connect: Callable[[], AbstractAsyncContextManager[ClientConnection]],
        out: TranscriptSink,
        *,
        greeting: str,
        model: str,
        silence_seconds: float,
        patience: Patience,
        logger: Logger,
    ) -> None:
        super().__init__(vendor="OpenAI", retry_seconds=patience.retry_seconds, logger=logger)
        self._connect = connect
        self._out = out
        self._greeting = greeting
        self._model = model
        self._silence_seconds = silence_seconds
        self._patience = patience
        self._turns = Turns(
            silence_seconds=silence_seconds, writing_seconds=patience.writing_seconds
        )
        self._telling = anyio.Lock()

    async def finish(self) -> None:
        """End what was begun; nothing more will be heard."""
        await self._tell(self._turns.finish())

    async def converse(self) -> SpeechError | None:
        """One connection's life; None: the audio has ended and everything was said."""
        try:
            async with self._connect() as socket:
                await socket.send(self._greeting)
                return await self._run(socket)
        except ConnectionClosed as error:
            return faults.lost(error.rcvd.code if error.rcvd else None)
        except SpeechError as error:
            return error

    async def _run(self, socket: ClientConnection) -> SpeechError | None:
        self.connected()
        self._turns.reconnect()
        error = None
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as receiving:
                tasks.start_soon(self._send, socket, receiving)
                tasks.start_soon(self._look)
                error = await self._receive(socket)
            tasks.cancel_scope.cancel()
        return error

    async def _send(self, socket: ClientConnection, receiving: anyio.CancelScope) -> None:
        with suppress(ConnectionClosed):  # The receiving side says why.
            while (frame := await self.next_frame()) is not None:
                await socket.send(append(frame))
                if self.unheard.caught_up:
                    self.unheard.recognised(self._settled())
            await self._close(socket, receiving)

    def _settled(self) -> float:
        if self._turns.pending:
            return self._turns.recognised
        return max(self._turns.recognised, self.unheard.position - IDLE_SECONDS)

    async def _close(self, socket: ClientConnection, receiving: anyio.CancelScope) -> None:
        """The audio has ended: let silence end the last turn, and wait for its words a while."""
        receiving.deadline = anyio.current_time() + self._patience.finish_seconds
        silence = self._silence_seconds + MORE_SILENCE_SECONDS
        for _ in range(round(silence / FRAME_SECONDS)):
            await socket.send(append(SILENT_FRAME))
        await anyio.sleep(self._patience.linger_seconds)
        while self._turns.pending:
            await anyio.sleep(self._patience.look_seconds)
        receiving.cancel()

    async def _look(self) -> None:
        while True:
            await anyio.sleep(self._patience.look_seconds)
            now, position = anyio.current_time(), self.unheard.position
            await self._tell(self._turns.expire(position=position, now=now))

    async def _receive(self, socket: ClientConnection) -> SpeechError | None:
        with suppress(ConnectionClosed):
            async for text in socket:
                if (error := await self._obey(parse(text))) is not None:
                    return error
        return faults.lost(socket.close_code)

    async def _obey(self, message: Message) -> SpeechError | None:
        """Take a message; the error, if it is one that the session does not survive."""
        match message:
            case None:
                return None
            case Unreadable(reason=reason):
                return faults.unusable(reason) if self.unreadable(reason) else None
            case Fault(fault=fault):
                return faults.of_fault(fault, model=self._model)
            case Failed(fault=fault):
                error = faults.of_fault(fault, model=self._model)
                if error is not None and not error.retryable:
                    return error
                self._logger.warning(
                    "OpenAI could not write down what the caller said",
                    extra={"error": faults.named(fault)},
                )
        self.progressed()
        now, position = anyio.current_time(), self.unheard.position
        await self._tell(self._turns.hear(message, position=position, now=now))
        return None

    async def _tell(self, events: Iterator[SpeechEvent]) -> None:
        """Write `events`; while one is being written, nothing later may overtake it."""
        async with self._telling:
            for event in events:
                await self._out.write(event)
