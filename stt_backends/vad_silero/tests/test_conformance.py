"""Does the detector keep every rule that voice-activity detectors keep?"""

from voicecall_conformance import VadConformance
from voicecall_vad_silero.harness import SileroHarness


class TestSilero(VadConformance):
    harness_type = SileroHarness
