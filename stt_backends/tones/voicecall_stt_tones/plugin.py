"""What does this distribution offer? The STT backend `tones`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PCM16_8K, Section, SttBackend, SttContext, SttSpec, hookimpl


class TonesConfig(Section):
    """`streaming.providers.tones`: nothing to set, the sound tells everything."""


@asynccontextmanager
async def open_tones(config: TonesConfig, context: SttContext) -> AsyncIterator[SttBackend]:
    """The backend; nothing to close."""
    from voicecall_stt_tones.backend import TonesStt

    yield TonesStt(context.silence_seconds)


@hookimpl
def voicecall_stt_backends() -> list[SttSpec]:
    """The backend `tones`; never a default, because it understands no person."""
    return [
        SttSpec(
            name="tones",
            summary="reads the tones of the TTS backend `tones`, exactly, for tests",
            config=TonesConfig,
            open=open_tones,
            input_format=PCM16_8K,
        )
    ]
