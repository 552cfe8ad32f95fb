"""How does anybody prove the backend? `voicecall conformance stt:sphinx`; nothing is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from voicecall.sdk import PCM16_16K
from voicecall_conformance import SAID_TEXTS, SttHarness
from voicecall_conformance.speech.sounds import frames, spoken


class SphinxHarness(SttHarness):
    """Listens to the TTS backend `espeak`, which has to be installed."""

    name = "sphinx"
    module = "voicecall_stt_sphinx.plugin"
    partials = False

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """No vendor; it expects what callers say."""
        yield {"phrases": SAID_TEXTS}

    async def speech(self, text: str) -> Sequence[bytes]:
        """A synthetic voice over a telephone line."""
        return frames(await spoken(text, PCM16_16K, voice="espeak"), PCM16_16K)
