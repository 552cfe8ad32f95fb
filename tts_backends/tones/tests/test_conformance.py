"""Does the backend keep every rule that TTS backends keep?"""

from voicecall_conformance import TtsConformance
from voicecall_tts_tones.harness import TonesHarness


class TestTones(TtsConformance):
    harness_type = TonesHarness
