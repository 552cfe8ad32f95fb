"""Does the mock provider keep every rule that providers keep?"""

from voicecall_conformance import ProviderConformance
from voicecall_mock.testing import MockHarness


class TestMock(ProviderConformance):
    harness_type = MockHarness
