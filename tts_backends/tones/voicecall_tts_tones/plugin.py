"""What does this distribution offer? The TTS backend `tones`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import Field, PluginContext, Section, TtsBackend, TtsSpec, hookimpl
from voicecall_tts_tones.codebook import UNIT_MS


class TonesConfig(Section):
    """`tts.providers.tones`."""

    symbol_ms: int = Field(default=20, ge=UNIT_MS, le=200, multiple_of=UNIT_MS)
    """Milliseconds that one byte sounds: 20 gives 50 characters of English a second, 60 is
    about the pace of a person."""


@asynccontextmanager
async def open_tones(config: TonesConfig, context: PluginContext) -> AsyncIterator[TtsBackend]:
    """The backend; nothing to close."""
    from voicecall_tts_tones.backend import TonesTts

    yield TonesTts(config.symbol_ms // UNIT_MS)


@hookimpl
def voicecall_tts_backends() -> list[TtsSpec]:
    """The backend `tones`; never a default, because no person understands it."""
    return [
        TtsSpec(
            name="tones",
            summary="text as audible tones, for tests; the STT backend `tones` reads it",
            config=TonesConfig,
            open=open_tones,
        )
    ]
