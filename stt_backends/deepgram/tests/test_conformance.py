"""Does the backend keep every rule that STT backends keep?"""

from voicecall_conformance import SttConformance
from voicecall_stt_deepgram.harness import DeepgramHarness


class TestDeepgram(SttConformance):
    harness_type = DeepgramHarness
