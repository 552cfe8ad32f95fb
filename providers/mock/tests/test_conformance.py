"""Does the mock provider keep every rule that providers keep, and its variant too?"""

from voicecall_conformance import ProviderConformance
from voicecall_mock.network.commanded import CommandedHarness
from voicecall_mock.testing import MockHarness


class TestMock(ProviderConformance):
    harness_type = MockHarness


class TestCommanded(ProviderConformance):
    harness_type = CommandedHarness
