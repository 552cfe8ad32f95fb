"""What can be set about the detector?"""

from __future__ import annotations

from voicecall.sdk import Field, Section


class SileroConfig(Section):
    """`vad.silero`."""

    threshold: float = Field(default=0.5, gt=0, lt=1)
    """How sure the network must be that somebody speaks; higher takes more sound for noise."""

    hysteresis: float = Field(default=0.15, ge=0, lt=1)
    """How much less sure it may be while somebody already speaks."""

    hangover_ms: int = Field(default=100, ge=0, le=2000)
    """How long a frame still counts as speech after the network heard the last of it."""
