"""Does the Telnyx provider keep every rule that providers keep?"""

from voicecall_conformance import ProviderConformance
from voicecall_telnyx.testing import TelnyxHarness


class TestTelnyx(ProviderConformance):
    harness_type = TelnyxHarness
