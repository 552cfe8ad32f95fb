"""What does this distribution offer? The STT backend `deepgram`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import MULAW_8K, SttBackend, SttContext, SttSpec, hookimpl
from voicecall_stt_deepgram.config import DeepgramConfig


@asynccontextmanager
async def open_deepgram(config: DeepgramConfig, context: SttContext) -> AsyncIterator[SttBackend]:
    """The backend; each stream has a connection of its own."""
    from voicecall_stt_deepgram.backend import DeepgramStt

    yield DeepgramStt(config, silence_seconds=context.silence_seconds, logger=context.logger)


@hookimpl
def voicecall_stt_backends() -> list[SttSpec]:
    """The backend `deepgram`: telephone audio in, words out while they are said."""
    return [
        SttSpec(
            name="deepgram",
            summary="Deepgram, streamed; fed with µ-law as it comes",
            config=DeepgramConfig,
            open=open_deepgram,
            input_format=MULAW_8K,
            environment={"apiKey": "DEEPGRAM_API_KEY"},
        )
    ]
