"""What does this distribution offer? The voice-activity detector `webrtc`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import Field, PluginContext, Section, VadBackend, VadSpec, hookimpl


class WebrtcConfig(Section):
    """`vad.webrtc`."""

    aggressiveness: int = Field(default=2, ge=0, le=3)
    """How readily sound is taken for noise: 0 hears all speech and much noise, 3 the least
    noise."""


@asynccontextmanager
async def open_webrtc(config: WebrtcConfig, context: PluginContext) -> AsyncIterator[VadBackend]:
    """The detector; nothing to close."""
    from voicecall_vad_webrtc.backend import WebrtcVad

    yield WebrtcVad(config.aggressiveness)


@hookimpl
def voicecall_vad_backends() -> list[VadSpec]:
    """The detector `webrtc`: some microseconds a frame, no model, no network."""
    return [
        VadSpec(
            name="webrtc",
            summary="WebRTC's voice activity detector: offline, some microseconds a frame",
            config=WebrtcConfig,
            open=open_webrtc,
        )
    ]
