"""What a test lends to the backend, and where its audio goes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import pytest

from voicecall.sdk import (
    Audio,
    HttpResponse,
    PluginContext,
    SystemClock,
    TtsBackend,
)
from voicecall_tts_openai.config import OpenAiTtsConfig
from voicecall_tts_openai.plugin import voicecall_tts_backends
from voicecall_tts_openai.testing import KEY


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("the backend streams with a client of its own")


class Recording:
    """An `AudioSink`; `begun` is set with the first audio."""

    def __init__(self) -> None:
        self.pieces: list[Audio] = []
        self.begun = anyio.Event()

    async def write(self, audio: Audio) -> None:
        self.pieces.append(audio)
        self.begun.set()

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


Opened = Callable[..., AbstractAsyncContextManager[TtsBackend]]


@pytest.fixture
def opened() -> Opened:
    """Opens the backend as the gateway does: ``opened(base_url, model="tts-1", ...)``."""

    def open_backend(base_url: str, **options: object) -> AbstractAsyncContextManager[TtsBackend]:
        (spec,) = voicecall_tts_backends()
        context = PluginContext(
            http=NoHttp(),
            clock=SystemClock(),
            logger=logging.getLogger("voicecall.plugin.openai"),
            state_dir=Path("."),
        )
        section = {"apiKey": KEY, "baseUrl": base_url} | options
        return spec.open(OpenAiTtsConfig.model_validate(section), context)

    return open_backend


@pytest.fixture
def recording() -> Recording:
    return Recording()
