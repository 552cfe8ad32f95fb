"""How is a call recognised? Over one connection, replaced when it is lost, nothing said twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from logging import INFO, Logger, getLogger

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from voicecall.sdk import AudioSource, SttBackend, TranscriptSink
from voicecall_stt_deepgram import faults
from voicecall_stt_deepgram.config import DeepgramConfig, listen_url
from voicecall_stt_deepgram.stream import PATIENCE, Patience, Stream

MESSAGE_BYTES = 1024 * 1024
CLOSE_SECONDS = 0.5
"""Real seconds that a closing connection may take; a dead one takes all of them."""

_socket_log = getLogger("voicecall_stt_deepgram.socket")
# Below this level the library shows headers and messages: the key, and what is said.
_socket_log.setLevel(INFO)


class DeepgramStt(SttBackend):
    """Recognises streams of telephone audio.

    Args:
        config: the section.
        silence_seconds: silence that ends a turn, where the section names none.
        logger: gets a line for each lost connection.
        patience: how long to wait for what.
    """

    def __init__(
        self,
        config: DeepgramConfig,
        *,
        silence_seconds: float,
        logger: Logger,
        patience: Patience = PATIENCE,
    ) -> None:
        self._config = config
        self._url = listen_url(config, silence_seconds=silence_seconds)
        self._silence_seconds = silence_seconds
        self._logger = logger
        self._patience = patience

    async def transcribe(self, audio: AudioSource, out: TranscriptSink) -> None:
        """Recognise `audio` to its end.

        A connection that is lost is replaced, and sent what was not recognised yet; while there
        is none, audio waits in `audio`, which is bounded.
        """
        stream = Stream(
            self._connected,
            out,
            silence_seconds=self._silence_seconds,
            patience=self._patience,
            logger=self._logger,
        )
        await stream.transcribe(audio)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[ClientConnection]:
        key = self._config.api_key.get_secret_value()
        try:
            socket = await connect(
                self._url,
                additional_headers={"authorization": f"Token {key}"},
                open_timeout=self._patience.connect_seconds,
                ping_interval=self._patience.ping_seconds,
                ping_timeout=self._patience.ping_seconds,
                close_timeout=CLOSE_SECONDS,
                max_size=MESSAGE_BYTES,
                compression=None,
                logger=_socket_log,
            )
        except InvalidStatus as error:
            status, body = error.response.status_code, bytes(error.response.body or b"")
            raise faults.of_answer(status, body, model=self._config.model) from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise faults.unreachable(type(error).__name__) from error
        try:
            yield socket
        finally:
            socket.transport.abort()
