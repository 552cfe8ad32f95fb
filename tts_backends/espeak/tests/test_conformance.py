"""Does the backend keep every rule that TTS backends keep?"""

from voicecall_conformance import TtsConformance
from voicecall_tts_espeak.harness import EspeakHarness


class TestEspeak(TtsConformance):
    harness_type = EspeakHarness
