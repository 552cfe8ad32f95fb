"""Does the exposure keep every rule that exposures keep?"""

from voicecall_conformance import ExposureConformance
from voicecall_expose_public_url.harness import PublicUrlHarness


class TestPublicUrl(ExposureConformance):
    harness_type = PublicUrlHarness
