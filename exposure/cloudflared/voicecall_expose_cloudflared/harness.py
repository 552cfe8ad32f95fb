"""What is behind the exposure `cloudflared` in conformance tests? A program that plays it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voicecall.sdk import Marker
from voicecall_conformance.exposure.programs import ProgramHarness
from voicecall_expose_cloudflared import fake_cloudflared

TOKEN = "eyJhIjoi-the-tunnels-token"
NAME = "voice.example.test"
AGENT = "voicecall_expose_cloudflared.agent"


class CloudflaredHarness(ProgramHarness):
    """A quick tunnel of a cloudflared that connects to nobody."""

    name = "cloudflared"
    module = "voicecall_expose_cloudflared.plugin"
    drifts = True
    drifted = "drifted.trycloudflare.com"
    fake = fake_cloudflared.__file__
    program_name = "cloudflared"
    limits = {**ProgramHarness.limits, f"{AGENT}.START_SECONDS": 1.0}

    def section(self) -> Mapping[str, object]:
        """The plugin's section."""
        return {"cloudflaredPath": str(self.program)}

    def names(self, agent: Mapping[str, Any]) -> Mapping[str, str]:
        """The one name, once it serves."""
        name = self.folder / "name"
        now = name.read_text() if name.exists() else f"fake-{agent['pid']}.trycloudflare.com"
        return {now: agent["target"]} if agent["port"] else {}

    async def intrude(self, state_dir: Path) -> None:
        """Another cloudflared, and markers that seem to be about it."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        stranger = self.stranger(elsewhere, "tunnel", "--url", self.local_url)
        noted = {"pid": stranger.pid, "tag": "another"}
        Marker(state_dir, "cloudflared").write({**noted, "created": stranger.create_time()})
        Marker(state_dir, "cloudflared-by-hand").write({**noted, "created": 1.0})


class NamedHarness(CloudflaredHarness):
    """A named tunnel, whose service stands in Cloudflare's dashboard."""

    drifts = False

    def section(self) -> Mapping[str, object]:
        """With the token and the name."""
        (self.folder / "ingress").write_text(self.local_url)
        (self.folder / "name").write_text(NAME)
        return {
            **super().section(),
            "cloudflaredToken": TOKEN,
            "cloudflaredHostname": NAME,
        }
