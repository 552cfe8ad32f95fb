"""How do realtime models speak? They read a text out over a WebSocket, which is kept for the next.

A response outside of any conversation a portion: nothing said before colours what is said now.
https://developers.openai.com/api/docs/guides/realtime-conversations
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from logging import INFO, Logger, getLogger
from urllib.parse import quote

import anyio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.protocol import State

from voicecall.sdk import Audio, AudioSink, TtsBackend, Utterance
from voicecall_tts_openai import faults
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.pieces import PATIENCE, PCM16_24K, Patience, WholeSamples
from voicecall_tts_openai.realtime_messages import (
    AudioDelta,
    Done,
    Refused,
    Said,
    event,
    reading,
    reworded,
    session,
)
from voicecall_tts_openai.text import portions

LONGEST_INPUT = 1500
"""Characters read at once; a longer text tempts the model to shorten it."""
IDLE_SOCKETS = 4
OLDEST_SECONDS = 3000.0
"""Real seconds after which a socket is not used again; OpenAI ends a session after 3600."""
CLOSE_SECONDS = 1.0
MESSAGE_BYTES = 4 * 1024 * 1024

_socket_log = getLogger("voicecall_tts_openai.socket")
# Below this level the library shows headers and messages: the key, and what is said.
_socket_log.setLevel(INFO)


@asynccontextmanager
async def open_realtime_api(
    config: OpenAiTtsConfig, *, logger: Logger, patience: Patience = PATIENCE
) -> AsyncIterator[TtsBackend]:
    """The backend; its idle sockets are closed with the block."""
    backend = RealtimeApi(config, logger, patience)
    try:
        yield backend
    finally:
        await backend.close()


@dataclass(slots=True, kw_only=True)
class _Session:
    """A socket whose session is set up. `born`: on the event loop's clock."""

    socket: ClientConnection
    voice: str
    born: float = field(default_factory=anyio.current_time)

    @property
    def usable(self) -> bool:
        young = anyio.current_time() - self.born < OLDEST_SECONDS
        return young and self.socket.state is State.OPEN


class RealtimeApi(TtsBackend):
    """Has texts read out; several utterances at once have a socket each."""

    def __init__(self, config: OpenAiTtsConfig, logger: Logger, patience: Patience) -> None:
        self._config = config
        self._logger = logger
        self._patience = patience
        self._idle: list[_Session] = []

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio as it arrives."""
        texts = list(portions(utterance.text, LONGEST_INPUT))
        if not texts:
            return
        async with self._session(utterance.voice or self._config.chosen_voice) as socket:
            for text in texts:
                await self._read_out(text, socket, out)

    async def close(self) -> None:
        """Close what is idle."""
        idle, self._idle = self._idle, []
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            for kept in idle:
                await kept.socket.close()
        for kept in idle:
            kept.socket.transport.abort()

    @asynccontextmanager
    async def _session(self, voice: str) -> AsyncIterator[ClientConnection]:
        """A socket of our own for the block; lost when the block is left by an exception."""
        taken = self._take(voice) or await self._begin(voice)
        try:
            yield taken.socket
        except ConnectionClosed as error:
            raise faults.unreachable("the connection was lost") from error
        except BaseException:
            taken.socket.transport.abort()
            raise
        self._idle.append(taken)
        while len(self._idle) > IDLE_SOCKETS:
            self._idle.pop(0).socket.transport.abort()

    def _take(self, voice: str) -> _Session | None:
        self._idle = [kept for kept in self._idle if kept.usable]
        # The one that was used last is the least likely to be cut somewhere on the way.
        for kept in reversed(self._idle):
            if kept.voice == voice:
                self._idle.remove(kept)
                return kept
        return None

    async def _begin(self, voice: str) -> _Session:
        model = self._config.chosen_model
        key = self._config.api_key.get_secret_value()
        address = self._config.root.replace("http", "ws", 1)
        try:
            socket = await connect(
                f"{address}/realtime?model={quote(model)}",
                additional_headers={"authorization": f"Bearer {key}"},
                open_timeout=self._patience.connect_seconds,
                close_timeout=CLOSE_SECONDS,
                max_size=MESSAGE_BYTES,
                compression=None,
                logger=_socket_log,
            )
        except InvalidStatus as error:
            status, body = error.response.status_code, bytes(error.response.body or b"")
            raise faults.of_answer(status, body, model=model) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise faults.unreachable(type(error).__name__) from error
        begun = _Session(socket=socket, voice=voice)
        try:
            await socket.send(session(self._config, voice))
        except ConnectionClosed as error:
            raise faults.unreachable("the connection was lost") from error
        return begun

    async def _read_out(self, text: str, socket: ClientConnection, out: AudioSink) -> None:
        samples = WholeSamples()
        await socket.send(reading(text))
        while True:
            match event(await self._next(socket), model=self._config.chosen_model):
                case AudioDelta(data=data):
                    if whole := samples.feed(data):
                        await out.write(Audio(data=whole, format=PCM16_24K))
                case Said(text=said) if reworded(text, said):
                    self._logger.warning(
                        "the speech model did not keep to the text",
                        extra={"tts_model": self._config.chosen_model},
                    )
                case Refused(error=error):
                    raise error
                case Done():
                    return

    async def _next(self, socket: ClientConnection) -> str | bytes:
        seconds = self._patience.silence_seconds
        try:
            with anyio.fail_after(seconds):
                return await socket.recv()
        except TimeoutError as error:
            raise faults.silent(seconds) from error
