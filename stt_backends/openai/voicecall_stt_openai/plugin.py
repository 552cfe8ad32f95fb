"""What does this distribution offer? The STT backend `openai`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from voicecall.sdk import MULAW_8K, SttBackend, SttContext, SttSpec, hookimpl
from voicecall_stt_openai.config import OpenAiSttConfig, findings


@asynccontextmanager
async def open_openai(config: OpenAiSttConfig, context: SttContext) -> AsyncIterator[SttBackend]:
    """The backend; each stream has a connection of its own."""
    today = datetime.fromtimestamp(context.clock.wall(), UTC).date()
    for finding in findings(config, today=today):
        context.logger.warning(f"{finding.message}; {finding.remedy}")
    from voicecall_stt_openai.backend import OpenAiStt

    yield OpenAiStt(config, silence_seconds=context.silence_seconds, logger=context.logger)


@hookimpl
def voicecall_stt_backends() -> list[SttSpec]:
    """The backend `openai`: telephone audio in, words out, turns ended by OpenAI."""
    return [
        SttSpec(
            name="openai",
            summary="OpenAI's realtime transcription; fed with µ-law as it comes",
            config=OpenAiSttConfig,
            open=open_openai,
            input_format=MULAW_8K,
            environment={"apiKey": "OPENAI_API_KEY"},
            findings=lambda config, today: findings(config, today=today),
        )
    ]
