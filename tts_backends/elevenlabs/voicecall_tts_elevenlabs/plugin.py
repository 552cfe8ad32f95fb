"""What does this distribution offer? The TTS backend `elevenlabs`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PluginContext, TtsBackend, TtsSpec, hookimpl
from voicecall_tts_elevenlabs.config import ElevenLabsConfig, findings


@asynccontextmanager
async def open_elevenlabs(
    config: ElevenLabsConfig, context: PluginContext
) -> AsyncIterator[TtsBackend]:
    """The backend; its connections are closed with the block."""
    for finding in findings(config):
        context.logger.warning(f"{finding.message}; {finding.remedy}")
    from anyio import to_thread

    # The SDK takes seconds to import; calls that are up must not notice.
    await to_thread.run_sync(_import_backend)
    from voicecall_tts_elevenlabs.backend import open_backend

    async with open_backend(config) as backend:
        yield backend


def _import_backend() -> None:
    import voicecall_tts_elevenlabs.backend  # noqa: F401


@hookimpl
def voicecall_tts_backends() -> list[TtsSpec]:
    """The backend `elevenlabs`: telephone audio as it is made, without a conversion."""
    return [
        TtsSpec(
            name="elevenlabs",
            summary="ElevenLabs' voices, streamed as µ-law",
            config=ElevenLabsConfig,
            open=open_elevenlabs,
            environment={"apiKey": "ELEVENLABS_API_KEY"},
            findings=lambda config, today: findings(config),
        )
    ]
