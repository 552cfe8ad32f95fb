"""Does one plugin get another's speech backend, configured and closed again?"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from voicecall.errors import ConfigError, PluginError
from voicecall.plugins.registry import Registry
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk import (
    HttpClient,
    PluginContext,
    Section,
    SttContext,
    SttSpec,
    SystemClock,
    TtsSpec,
)

closed: list[str] = []


class Voice(Section):
    pitch: int = 50


@asynccontextmanager
async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
    yield (config, context)
    closed.append(type(config).__name__)


def speech(*specs: Any) -> InstalledSpeech:
    def context(name: str) -> PluginContext:
        logger = logging.getLogger(name)
        http = cast(HttpClient, None)
        return PluginContext(http=http, clock=SystemClock(), logger=logger, state_dir=Path("/s"))

    return InstalledSpeech(Registry.of(*specs), context)


def tts(name: str, rank: int | None) -> TtsSpec:
    return TtsSpec(name=name, summary="", config=Voice, open=opened, offline_rank=rank)


async def enter(manager: Any) -> Any:
    async with manager as value:
        return value


def test_a_named_backend_gets_its_options_and_is_closed() -> None:
    closed.clear()
    config, context = anyio.run(enter, speech(tts("acme", None)).tts("acme", {"pitch": 70}))
    assert (config.pitch, context.logger.name, closed) == (70, "acme", ["Voice"])


def test_without_a_name_the_offline_backend_of_the_lowest_rank_is_taken() -> None:
    backends = speech(tts("cloud", None), tts("late", 20), tts("early", 10))
    _, context = anyio.run(enter, backends.tts(None, {}))
    assert context.logger.name == "early"


def test_recognition_gets_a_context_of_its_own() -> None:
    backends = speech(SttSpec(name="ear", summary="", config=Voice, open=opened, offline_rank=1))
    _, context = anyio.run(enter, backends.stt(None, {}))
    assert isinstance(context, SttContext)


def test_without_an_offline_backend_the_error_says_what_to_install() -> None:
    with pytest.raises(PluginError, match="no offline STT backend is installed; .*voicecall-stt-"):
        anyio.run(enter, speech().stt(None, {}))


def test_options_that_do_not_fit_name_the_key_and_not_the_value() -> None:
    with pytest.raises(ConfigError, match="TTS backend 'acme': pitch: Input") as caught:
        anyio.run(enter, speech(tts("acme", None)).tts("acme", {"pitch": "canary"}))
    assert "canary" not in str(caught.value)
