"""How does anybody prove the backend? `voicecall conformance stt:tones`; nothing is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from voicecall.sdk import PCM16_8K
from voicecall_conformance import SttHarness
from voicecall_conformance.speech.sounds import frames, spoken


class TonesHarness(SttHarness):
    """Listens to the TTS backend `tones`, which has to be installed."""

    name = "tones"
    module = "voicecall_stt_tones.plugin"

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """No vendor, and nothing to set."""
        yield {}

    async def speech(self, text: str) -> Sequence[bytes]:
        """Its tones, over a telephone line."""
        return frames(await spoken(text, PCM16_8K, voice="tones"), PCM16_8K)
