"""Does the backend keep every rule that STT backends keep?"""

from voicecall_conformance import SttConformance
from voicecall_stt_tones.harness import TonesHarness


class TestTones(SttConformance):
    harness_type = TonesHarness
