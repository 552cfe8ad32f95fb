"""What does this distribution offer? The TTS backend `openai`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from voicecall.sdk import PluginContext, TtsBackend, TtsSpec, hookimpl
from voicecall_tts_openai.config import OpenAiTtsConfig, findings
from voicecall_tts_openai.models import is_realtime


@asynccontextmanager
async def open_openai(config: OpenAiTtsConfig, context: PluginContext) -> AsyncIterator[TtsBackend]:
    """The backend for the configured model; its connections are closed with the block."""
    today = datetime.fromtimestamp(context.clock.wall(), UTC).date()
    for finding in findings(config, today=today):
        context.logger.warning(f"{finding.message}; {finding.remedy}")
    if is_realtime(config.chosen_model):
        from voicecall_tts_openai.realtime_api import open_realtime_api

        opening = open_realtime_api(config, logger=context.logger)
    else:
        from voicecall_tts_openai.speech_api import open_speech_api

        opening = open_speech_api(config)
    async with opening as backend:
        yield backend


@hookimpl
def voicecall_tts_backends() -> list[TtsSpec]:
    """The backend `openai`: speech models over HTTP, realtime models over a WebSocket."""
    return [
        TtsSpec(
            name="openai",
            summary="OpenAI's voices, streamed as 24 kHz PCM",
            config=OpenAiTtsConfig,
            open=open_openai,
            environment={"apiKey": "OPENAI_API_KEY"},
            findings=lambda config, today: findings(config, today=today),
        )
    ]
