"""What can be configured? Where turns are posted to, and with which credentials."""

from __future__ import annotations

from voicecall.sdk import Field, Secret, Section


class HttpConfig(Section):
    """`responders.http`."""

    url: str = Field(pattern=r"^https?://[^\s]+$")
    """Each turn is posted here."""
    token: Secret | None = None
    """Sent as ``Authorization: Bearer``."""
    headers: dict[str, Secret] = Field(default_factory=dict)
    """Further headers of every request."""
    timeout_seconds: float = Field(default=20, gt=0)
    """How long the service may be silent, before its answer and within it."""
