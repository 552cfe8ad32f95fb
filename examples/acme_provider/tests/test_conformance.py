"""Does the provider keep every rule that providers keep?"""

from voicecall_acme.testing import AcmeHarness
from voicecall_conformance import ProviderConformance


class TestAcme(ProviderConformance):
    harness_type = AcmeHarness
