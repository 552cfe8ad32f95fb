"""How does anybody prove the backend? `voicecall conformance tts:openai`, beside the double."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import ClassVar

import anyio

from voicecall.sdk import PluginContext, TtsBackend, TtsSpec
from voicecall_conformance import SPOKEN_TEXT, Trouble, TtsHarness
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.models import COMPATIBLE_MODEL, DEFAULT_MODEL
from voicecall_tts_openai.pieces import Patience
from voicecall_tts_openai.testing import (
    KEY,
    Answer,
    OpenAiDouble,
    audio_of,
    realtime_double,
    speech_double,
)

PART = 9600
QUOTING = {"message": f"{KEY} may not say {SPOKEN_TEXT}"}
"""OpenAI's messages quote keys and texts."""
HASTY = Patience(silence_seconds=0.3)


class OpenAiHarness(TtsHarness):
    """OpenAI's realtime sessions on this machine, which refuse within the session."""

    name = "openai"
    module = "voicecall_tts_openai.plugin"
    steers = True
    model: ClassVar[str] = DEFAULT_MODEL
    answers: ClassVar[Mapping[Trouble, Answer]] = {
        Trouble.CREDENTIALS: Answer(fault={"code": "invalid_api_key", **QUOTING}),
        Trouble.RATE: Answer(fault={"code": "rate_limit_exceeded", **QUOTING}),
        Trouble.REFUSED: Answer(
            fault={"code": "invalid_value", "param": "response.input", **QUOTING}
        ),
        Trouble.BROKEN: Answer(fault={"type": "server_error", **QUOTING}),
        Trouble.LOST: Answer(cut_after=0),
    }
    troubles = frozenset(answers)
    double: OpenAiDouble

    def hastily_opened(
        self, config: OpenAiTtsConfig, context: PluginContext
    ) -> AbstractAsyncContextManager[TtsBackend]:
        """Waits for the API of `model`, but not for long."""
        from voicecall_tts_openai.realtime_api import open_realtime_api

        return open_realtime_api(config, logger=context.logger, patience=HASTY)

    def serving(self) -> AbstractAsyncContextManager[tuple[OpenAiDouble, str]]:
        """The API of `model`."""
        return realtime_double()

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The double, and a section that leads to it."""
        async with self.serving() as (self.double, url):
            yield {"apiKey": KEY, "baseUrl": url, "model": self.model}

    def fail(self, trouble: Trouble) -> None:
        """Refuse, or hang up, once."""
        self.double.answers.append(self.answers[trouble])

    def asked(self) -> Sequence[str]:
        """The texts of accepted requests."""
        return self.double.asked

    def made(self) -> bytes:
        """The sound of each."""
        return b"".join(map(audio_of, self.asked()))

    def impatient(self) -> TtsSpec:
        """The spec, for whoever waits a moment for OpenAI."""
        spec: TtsSpec = self.spec()
        return replace(spec, open=self.hastily_opened)

    def ragged(self) -> None:
        """Odd pieces, once."""
        self.double.answers.append(Answer(sizes=(1, 3, 159, 4801)))

    def stall(self) -> None:
        """Wait within the next audio."""
        self.double.go_on, self.double.stalled = anyio.Event(), anyio.Event()
        self.double.lost = anyio.Event()
        self.double.answers.append(Answer(stall_after=PART))

    def ignore(self) -> None:
        """Wait before the next audio."""
        self.stall()
        self.double.answers[-1] = Answer(stall_after=0)

    async def stalled(self) -> None:
        """Until it does."""
        await self.double.stalled.wait()

    def go_on(self) -> None:
        """Send the rest."""
        self.double.go_on.set()

    async def dropped(self) -> None:
        """Until a connection is found closed."""
        await self.double.lost.wait()

    def cut(self) -> None:
        """Hang up within the next audio."""
        self.double.answers.append(Answer(cut_after=PART))


class SpeechApiHarness(OpenAiHarness):
    """OpenAI's speech models on this machine, which refuse by status."""

    model = COMPATIBLE_MODEL
    answers = {
        Trouble.CREDENTIALS: Answer(status=401, fault={"code": "invalid_api_key", **QUOTING}),
        Trouble.RATE: Answer(status=429, fault={"code": "rate_limit_exceeded", **QUOTING}),
        Trouble.REFUSED: Answer(
            status=400, fault={"code": "invalid_value", "param": "input", **QUOTING}
        ),
        Trouble.BROKEN: Answer(status=503, fault={"type": "server_error", **QUOTING}),
        Trouble.LOST: Answer(cut_after=0),
    }

    def hastily_opened(
        self, config: OpenAiTtsConfig, context: PluginContext
    ) -> AbstractAsyncContextManager[TtsBackend]:
        """Waits for the API of `model`, but not for long."""
        from voicecall_tts_openai.speech_api import open_speech_api

        return open_speech_api(config, patience=HASTY)

    def serving(self) -> AbstractAsyncContextManager[tuple[OpenAiDouble, str]]:
        """The API of `model`."""
        return speech_double()
