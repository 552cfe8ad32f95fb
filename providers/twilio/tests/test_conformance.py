"""Does the Twilio provider keep every rule that providers keep?"""

from voicecall_conformance import ProviderConformance
from voicecall_twilio.testing import TwilioHarness


class TestTwilio(ProviderConformance):
    harness_type = TwilioHarness
