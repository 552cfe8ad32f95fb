"""Does the backend keep every rule that STT backends keep?"""

from voicecall_conformance import SttConformance
from voicecall_stt_openai.harness import OpenAiHarness


class TestOpenAi(SttConformance):
    harness_type = OpenAiHarness
