"""How does Twilio behave? `TwilioNetwork`, its live double, and the wire it reads, strictly."""

from voicecall_twilio.network.network import TwilioNetwork

__all__ = ["TwilioNetwork"]
