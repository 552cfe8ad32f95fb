"""Does the exposure keep every rule that exposures keep?"""

from voicecall_conformance import ExposureConformance
from voicecall_expose_tailscale.harness import TailscaleHarness


class TestFunnel(ExposureConformance):
    harness_type = TailscaleHarness
