"""Does the detector keep every rule that voice-activity detectors keep?"""

from voicecall_conformance import VadConformance
from voicecall_vad_webrtc.harness import WebrtcHarness


class TestWebrtc(VadConformance):
    harness_type = WebrtcHarness
