"""What is behind the exposure `ngrok` in conformance tests? A program that plays the agent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from voicecall.sdk import Marker
from voicecall_conformance.exposure.programs import ProgramHarness
from voicecall_expose_ngrok import fake_ngrok

TOKEN = "2abcDEFtheAccountsToken_6xyz"
PACKAGE = "voicecall_expose_ngrok"


class NgrokHarness(ProgramHarness):
    """An agent of an account, which connects to nobody and gets a name from ngrok."""

    name = "ngrok"
    module = f"{PACKAGE}.plugin"
    drifts = True
    drifted = "drifted.ngrok-free.app"
    fake = fake_ngrok.__file__
    program_name = "ngrok"
    limits = {
        **ProgramHarness.limits,
        f"{PACKAGE}.agent.START_SECONDS": 1.0,
        f"{PACKAGE}.api.ASK_SECONDS": 1.0,
        f"{PACKAGE}.binary.DOWNLOAD_SECONDS": 1.0,
    }

    def section(self) -> Mapping[str, object]:
        """The plugin's section."""
        return {"ngrokPath": str(self.program), "ngrokAuthToken": TOKEN}

    def names(self, agent: Mapping[str, Any]) -> Mapping[str, str]:
        """Its endpoints."""
        file, name = self.folder / f"endpoints-{agent['pid']}", self.folder / "name"
        endpoints = json.loads(file.read_text()).values() if file.exists() else ()
        now = name.read_text() if name.exists() else None
        return {now or urlsplit(each["url"]).netloc: each["upstream"] for each in endpoints}

    async def intrude(self, state_dir: Path) -> None:
        """Another ngrok, and markers that seem to be about it."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        config = elsewhere / "ngrok.yml"
        config.write_text("version: '3'\nagent:\n  authtoken: another\n")
        call = ("start", "--none", "--log", "stdout", "--config", str(config))
        stranger = self.stranger(elsewhere, *call)
        noted = {"pid": stranger.pid, "tag": "another"}
        Marker(state_dir, "ngrok").write({**noted, "created": stranger.create_time()})
        Marker(state_dir, "ngrok-by-hand").write({**noted, "created": 1.0})
