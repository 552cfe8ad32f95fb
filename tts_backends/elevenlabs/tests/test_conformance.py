"""Does the backend keep every rule that TTS backends keep?"""

from voicecall_conformance import TtsConformance
from voicecall_tts_elevenlabs.harness import ElevenLabsHarness


class TestElevenLabs(TtsConformance):
    harness_type = ElevenLabsHarness
