"""What does an author write to have a voice-activity detector proved? Hardly anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from voicecall.sdk import PCM16_8K
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.sounds import spoken
from voicecall_conformance.speech.vad.rulebook import VAD


class VadHarness(PluginHarness):
    """One voice-activity detector. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance.vad"]
        acme = "voicecall_vad_acme.harness:AcmeHarness"

    The voice is that of the TTS backend `espeak`, which has to be installed.
    """

    kind = "vad"
    hook_name = "voicecall_vad_backends"
    rules = VAD

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """No vendor, and nothing to set."""
        yield {}

    async def voice(self, text: str) -> bytes:
        """Somebody says `text` over a telephone line; as `PCM16_8K`."""
        return await spoken(text, PCM16_8K, voice="espeak")
