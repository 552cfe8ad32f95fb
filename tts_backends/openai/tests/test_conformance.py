"""Does the backend keep every rule that TTS backends keep, on both roads to OpenAI?"""

from voicecall_conformance import TtsConformance
from voicecall_tts_openai.harness import OpenAiHarness, SpeechApiHarness


class TestRealtimeModels(TtsConformance):
    harness_type = OpenAiHarness


class TestSpeechModels(TtsConformance):
    harness_type = SpeechApiHarness
