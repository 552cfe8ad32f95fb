"""What is behind the exposure `public-url` in conformance tests? Nothing of ours: a URL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from voicecall_conformance import ExposureHarness


class PublicUrlHarness(ExposureHarness):
    """Somebody else's proxy, which is not ours to look at."""

    name = "public-url"
    module = "voicecall_expose_public_url.plugin"
    starts = False
    outlives = False
    mishaps = frozenset()

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """A URL under a prefix."""
        yield {"publicUrl": f"https://voice.example.test/line1{self.webhook_path}"}
