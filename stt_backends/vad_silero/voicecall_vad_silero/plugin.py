"""What does this distribution offer? The voice-activity detector `silero`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PluginContext, VadBackend, VadSpec, hookimpl
from voicecall_vad_silero.config import SileroConfig


@asynccontextmanager
async def open_silero(config: SileroConfig, context: PluginContext) -> AsyncIterator[VadBackend]:
    """The detector; nothing to close."""
    from anyio import to_thread

    # Calls that are up must not notice the import.
    await to_thread.run_sync(_import_backend)
    from voicecall_vad_silero.backend import SileroVad

    yield SileroVad(config)


def _import_backend() -> None:
    import voicecall_vad_silero.backend  # noqa: F401


@hookimpl
def voicecall_vad_backends() -> list[VadSpec]:
    """The detector `silero`: a small network, about 3 % of a core a call, no torch."""
    return [
        VadSpec(
            name="silero",
            summary="Silero's neural network: offline, tells voices from noise and music",
            config=SileroConfig,
            open=open_silero,
        )
    ]
