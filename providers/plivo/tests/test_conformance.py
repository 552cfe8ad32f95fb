"""Does the Plivo provider keep every rule that providers keep?"""

from voicecall_conformance import ProviderConformance
from voicecall_plivo.testing import PlivoHarness


class TestPlivo(ProviderConformance):
    harness_type = PlivoHarness
