"""What does Plivo do on its side? `PlivoNetwork`, its live double."""

from voicecall_plivo.network.habits import Habits
from voicecall_plivo.network.network import PlivoNetwork

__all__ = ["Habits", "PlivoNetwork"]
