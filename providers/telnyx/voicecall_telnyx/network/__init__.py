"""What does Telnyx do on its side? `TelnyxNetwork`, its live double, and the wire it speaks."""

from voicecall_telnyx.network.network import TelnyxNetwork

__all__ = ["TelnyxNetwork"]
