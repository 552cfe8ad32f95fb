"""Does the exposure keep every rule that exposures keep?"""

from voicecall_conformance import ExposureConformance
from voicecall_expose_cloudflared.harness import CloudflaredHarness


class TestCloudflared(ExposureConformance):
    harness_type = CloudflaredHarness
