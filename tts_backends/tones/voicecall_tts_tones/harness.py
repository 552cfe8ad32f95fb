"""How does anybody prove the backend? `voicecall conformance tts:tones`; nothing is behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from voicecall_conformance import Deviation, TtsHarness


class TonesHarness(TtsHarness):
    """Tones come from this machine, the same every time."""

    name = "tones"
    module = "voicecall_tts_tones.plugin"
    deviations = {
        "tts.blank": Deviation("it writes every character, so that its reader gives back a space")
    }

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """No vendor."""
        yield {}
