"""What does this distribution offer? The TTS backend `espeak`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import Field, PluginContext, Section, TtsBackend, TtsSpec, hookimpl


class EspeakConfig(Section):
    """`tts.providers.espeak`."""

    voice: str = Field(default="en-us+f3", pattern=r"^[A-Za-z0-9-]+(\+[A-Za-z0-9 _-]+)?$")
    """A language of espeak-ng, and after a ``+`` one of its speakers (``f1`` to ``f5``, ``m1``
    to ``m8``, ...)."""

    speed: int = Field(default=150, ge=80, le=450)
    """Words per minute."""

    pitch: int = Field(default=50, ge=0, le=100)
    """How high the voice is; 50 is normal."""

    volume: int = Field(default=100, ge=0, le=200)
    """Loudness in per cent; above 100 loud sounds are distorted."""


@asynccontextmanager
async def open_espeak(config: EspeakConfig, context: PluginContext) -> AsyncIterator[TtsBackend]:
    """The backend, with its voice loaded.

    Raises:
        SpeechError: espeak-ng cannot be loaded, or does not have the voice.
    """
    from voicecall_tts_espeak.backend import EspeakTts

    backend = EspeakTts(config)
    await backend.warm_up()
    yield backend


@hookimpl
def voicecall_tts_backends() -> list[TtsSpec]:
    """The backend `espeak`: no account, no network, a robot's voice in a hundred languages."""
    return [
        TtsSpec(
            name="espeak",
            summary="espeak-ng: offline, from a wheel, about 100 languages, robotic",
            config=EspeakConfig,
            open=open_espeak,
            offline_rank=10,
        )
    ]
