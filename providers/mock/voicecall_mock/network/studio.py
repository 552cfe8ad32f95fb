"""Who speaks and understands for the phones? Installed speech backends, opened once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import anyio
import msgspec
from anyio.abc import TaskGroup, TaskStatus

from voicecall.sdk import (
    Audio,
    AudioFormat,
    ConfigError,
    SpeechBackends,
    SttBackend,
    TtsBackend,
    Utterance,
)
from voicecall_mock.config import Backend
from voicecall_mock.network.sound import to_mulaw

CACHED_UTTERANCES = 256


class _Collector:
    """An `AudioSink` that keeps everything."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.last: Audio | None = None

    async def write(self, audio: Audio) -> None:
        self.data += audio.data
        self.last = audio


@dataclass(frozen=True, slots=True, kw_only=True)
class Recogniser:
    """A speech-to-text backend, and what it is fed."""

    backend: SttBackend
    format: AudioFormat


class Studio:
    """Lends speech backends to phones; each is opened at first use and kept open.

    Args:
        speech: the installed backends.
        tasks: where the backends live; they are closed when it is cancelled.
        logger: where degraded ears are reported.
    """

    def __init__(self, speech: SpeechBackends, tasks: TaskGroup, logger: logging.Logger) -> None:
        self._speech = speech
        self._tasks = tasks
        self._logger = logger
        self._open: dict[bytes, Any] = {}
        self._opening = anyio.Lock()
        self._spoken: dict[bytes, bytes] = {}

    async def speak(self, voice: Backend, text: str) -> bytes:
        """`text` in `voice`, as µ-law.

        Raises:
            VoicecallError: the backend is not installed, not configured, or fails.
        """
        key = _key("spoken", voice.provider, voice.options, text)
        if key not in self._spoken:
            backend = await self._voice(voice)
            collector = _Collector()
            await backend.synthesize(Utterance(text=text), collector)
            self._keep(key, collector)
        return self._spoken[key]

    async def ears(self, ears: Backend, phrases: tuple[str, ...]) -> Recogniser:
        """What recognises speech, told what to expect if it wants to know.

        Raises:
            VoicecallError: the backend is not installed or not configured.
        """
        if phrases and "phrases" not in ears.options:
            try:
                return await self._recogniser(
                    ears.provider, {**ears.options, "phrases": list(phrases)}
                )
            except ConfigError as error:
                self._logger.warning(
                    "a phone's ears do not take its phrases", extra={"error": str(error)}
                )
        return await self._recogniser(ears.provider, ears.options)

    async def _voice(self, voice: Backend) -> TtsBackend:
        key = _key("tts", voice.provider, voice.options)
        backend: TtsBackend = await self._lend(
            key, lambda: self._speech.tts(voice.provider, voice.options)
        )
        return backend

    async def _recogniser(self, name: str | None, options: Mapping[str, object]) -> Recogniser:
        key = _key("stt", name, options)
        backend: SttBackend = await self._lend(key, lambda: self._speech.stt(name, options))
        return Recogniser(backend=backend, format=self._speech.stt_format(name))

    def _keep(self, key: bytes, collector: _Collector) -> None:
        if len(self._spoken) >= CACHED_UTTERANCES:
            del self._spoken[next(iter(self._spoken))]
        last = collector.last
        spoken = Audio(data=bytes(collector.data), format=last.format) if last else None
        self._spoken[key] = to_mulaw(spoken) if spoken else b""

    async def _lend(
        self, key: bytes, opener: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> Any:
        async with self._opening:
            if key not in self._open:
                self._open[key] = await self._tasks.start(_hold, opener)
        return self._open[key]


async def _hold(
    opener: Callable[[], AbstractAsyncContextManager[Any]],
    *,
    task_status: TaskStatus[Any] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """Enter and leave a backend in one task, as its own task groups demand."""
    async with opener() as backend:
        task_status.started(backend)
        await anyio.sleep_forever()


def _key(*parts: object) -> bytes:
    return msgspec.json.encode(parts, order="deterministic")
