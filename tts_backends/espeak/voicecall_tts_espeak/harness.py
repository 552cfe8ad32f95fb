"""How does anybody prove the backend? `voicecall conformance tts:espeak`; nothing is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from voicecall_conformance import TtsHarness


class EspeakHarness(TtsHarness):
    """espeak-ng runs in this process, and mixes in noise that is another every time."""

    name = "espeak"
    module = "voicecall_tts_espeak.plugin"
    exact = False

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """No vendor."""
        yield {}
