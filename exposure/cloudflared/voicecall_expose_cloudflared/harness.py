"""What is behind the exposure `cloudflared` in conformance tests? A program that plays it."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import psutil

from voicecall.sdk import Marker
from voicecall_conformance import ExposureHarness, Mishap
from voicecall_expose_cloudflared import fake_cloudflared

GONE_SECONDS = 5.0
LOOK_SECONDS = 0.02
TOKEN = "eyJhIjoi-the-tunnels-token"
NAME = "voice.example.test"
AGENT = "voicecall_expose_cloudflared.agent"
PROCESS = "voicecall_expose_cloudflared.process"


class CloudflaredHarness(ExposureHarness):
    """A quick tunnel of a cloudflared that connects to nobody."""

    name = "cloudflared"
    module = "voicecall_expose_cloudflared.plugin"
    drifts = True
    forwards = True
    limits = {
        f"{AGENT}.START_SECONDS": 1.0,
        f"{PROCESS}.TERM_SECONDS": 0.5,
        f"{PROCESS}.KILL_SECONDS": 0.5,
    }

    def __init__(self) -> None:
        self._strangers: list[subprocess.Popen[bytes]] = []

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The program in a directory of its own."""
        with TemporaryDirectory() as folder:
            self._folder = Path(folder)
            self._program = self._folder / "cloudflared"
            call = [sys.executable, "-I", "-S", fake_cloudflared.__file__, folder]
            self._program.write_text(f'#!/bin/sh\nexec {shlex.join(call)} "$@"\n')
            self._program.chmod(0o700)
            try:
                yield self.section()
            finally:
                await self.die()
                for stranger in self._strangers:
                    stranger.kill()
                    stranger.wait()

    def section(self) -> Mapping[str, object]:
        """The plugin's section."""
        return {"cloudflaredPath": str(self._program)}

    # -- what the double tells

    async def reaches(self, url: str) -> str | None:
        """The service of the agent that has the name."""
        parts = urlsplit(url)
        for agent in self._agents():
            if _is_alive(agent["pid"]) and self._name(agent) == parts.netloc and agent["port"]:
                return f"{agent['target']}{parts.path}"
        return None

    async def present(self) -> Sequence[str]:
        """Agents that run."""
        return [f"process {each['pid']}" for each in self._agents() if _is_alive(each["pid"])]

    async def started(self) -> int:
        """All of them."""
        return len(self._agents())

    async def command_lines(self) -> Sequence[str]:
        """Their arguments."""
        return [" ".join(each["argv"]) for each in self._agents()]

    # -- what the double is told

    def meet(self, mishap: Mishap | None) -> None:
        """Tell the next ones, or take the program away."""
        (self._folder / "mode").write_text(str(mishap or ""))
        self._program.chmod(0o600 if mishap is Mishap.MISSING else 0o700)

    async def die(self) -> None:
        """Kill every one."""
        for agent in self._agents():
            with suppress(ProcessLookupError):
                os.kill(agent["pid"], signal.SIGKILL)
        with anyio.fail_after(GONE_SECONDS):
            while await self.present():
                await anyio.sleep(LOOK_SECONDS)

    async def drift(self) -> None:
        """Another name for whoever asks."""
        (self._folder / "name").write_text("drifted.trycloudflare.com")

    async def send(self, url: str, body: bytes) -> None:
        """Through the agent that has the name."""
        parts = urlsplit(url)
        (port,) = (each["port"] for each in self._agents() if self._name(each) == parts.netloc)
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(
                f"http://127.0.0.1:{port}{parts.path}?{parts.query}",
                content=body,
                headers={"Host": parts.netloc},
            )

    # -- what is somebody else's

    async def intrude(self, state_dir: Path) -> None:
        """Another cloudflared, and markers that seem to be about it."""
        elsewhere = self._folder / "elsewhere"
        elsewhere.mkdir()
        program = [sys.executable, "-I", "-S", fake_cloudflared.__file__, str(elsewhere)]
        call = [*program, "tunnel", "--url", self.local_url]
        stranger = subprocess.Popen(call, stderr=subprocess.DEVNULL, start_new_session=True)
        self._strangers.append(stranger)
        for name in ("cloudflared", "cloudflared-by-hand"):
            Marker(state_dir, name).write({"pid": stranger.pid, "created": 1.0, "tag": "another"})

    async def disturbed(self) -> Sequence[str]:
        """Whoever has ended."""
        return [f"process {each.pid} ended" for each in self._strangers if each.poll() is not None]

    def _agents(self) -> list[dict[str, Any]]:
        starts = self._folder / "starts"
        lines = starts.read_text().splitlines() if starts.exists() else []
        return [json.loads(line) for line in lines]

    def _name(self, agent: Mapping[str, Any]) -> str:
        name = self._folder / "name"
        return name.read_text() if name.exists() else f"fake-{agent['pid']}.trycloudflare.com"


class NamedHarness(CloudflaredHarness):
    """A named tunnel, whose service stands in Cloudflare's dashboard."""

    drifts = False

    def section(self) -> Mapping[str, object]:
        """With the token and the name."""
        (self._folder / "ingress").write_text(self.local_url)
        (self._folder / "name").write_text(NAME)
        return {
            **super().section(),
            "cloudflaredToken": TOKEN,
            "cloudflaredHostname": NAME,
        }


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
