"""How does anybody prove the detector? `voicecall conformance vad:silero`."""

from __future__ import annotations

from voicecall_conformance import VadHarness


class SileroHarness(VadHarness):
    """Nothing is behind it; the voice is espeak's."""

    name = "silero"
    module = "voicecall_vad_silero.plugin"
