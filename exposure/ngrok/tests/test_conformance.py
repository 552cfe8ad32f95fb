"""Does the exposure keep every rule that exposures keep?"""

from voicecall_conformance import ExposureConformance
from voicecall_expose_ngrok.harness import NgrokHarness


class TestNgrok(ExposureConformance):
    harness_type = NgrokHarness
