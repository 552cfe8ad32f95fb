"""What an exposure plugin implements: it makes the public listener reachable for carriers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from voicecall.sdk.provider import Finding


class PublicEndpoint(ABC):
    """The public side of the listener while the plugin is open."""

    @property
    @abstractmethod
    def webhook_url(self) -> str:
        """The carrier-facing URL of the webhook path; no query, no fragment."""

    @property
    @abstractmethod
    def stream_url(self) -> str:
        """The carrier-facing ``wss://`` URL of the stream path; no query, no fragment."""

    async def check(self) -> Sequence[Finding]:
        """Read-only findings for `setup`."""
        return ()
