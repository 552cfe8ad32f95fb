"""What is behind the exposure `ngrok` in conformance tests? A program that plays the agent."""

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
from voicecall_expose_ngrok import fake_ngrok

GONE_SECONDS = 5.0
LOOK_SECONDS = 0.02
TOKEN = "2abcDEFtheAccountsToken_6xyz"
PACKAGE = "voicecall_expose_ngrok"


class NgrokHarness(ExposureHarness):
    """An agent of an account, which connects to nobody and gets a name from ngrok."""

    name = "ngrok"
    module = f"{PACKAGE}.plugin"
    drifts = True
    forwards = True
    limits = {
        f"{PACKAGE}.agent.START_SECONDS": 1.0,
        f"{PACKAGE}.api.ASK_SECONDS": 1.0,
        f"{PACKAGE}.binary.DOWNLOAD_SECONDS": 1.0,
        f"{PACKAGE}.process.TERM_SECONDS": 0.5,
        f"{PACKAGE}.process.KILL_SECONDS": 0.5,
    }

    def __init__(self) -> None:
        self._strangers: list[subprocess.Popen[bytes]] = []

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The program in a directory of its own."""
        with TemporaryDirectory() as folder:
            self.folder = Path(folder)
            self.program = self.folder / "ngrok"
            call = [sys.executable, "-I", "-S", fake_ngrok.__file__, folder]
            self.program.write_text(f'#!/bin/sh\nexec {shlex.join(call)} "$@"\n')
            self.program.chmod(0o700)
            try:
                yield self.section()
            finally:
                await self.die()
                for stranger in self._strangers:
                    stranger.kill()
                    stranger.wait()

    def section(self) -> Mapping[str, object]:
        """The plugin's section."""
        return {"ngrokPath": str(self.program), "ngrokAuthToken": TOKEN}

    # -- what the double tells

    async def reaches(self, url: str) -> str | None:
        """What the agent that has the name hands on to."""
        parts = urlsplit(url)
        for agent in self.agents():
            if _is_alive(agent["pid"]):
                for endpoint in self._endpoints(agent):
                    if self._name(endpoint) == parts.netloc:
                        return f"{endpoint['upstream']}{parts.path}"
        return None

    async def present(self) -> Sequence[str]:
        """Agents that run."""
        return [f"process {each['pid']}" for each in self.agents() if _is_alive(each["pid"])]

    async def started(self) -> int:
        """All of them."""
        return len(self.agents())

    async def command_lines(self) -> Sequence[str]:
        """Their arguments."""
        return [" ".join(each["argv"]) for each in self.agents()]

    # -- what the double is told

    def meet(self, mishap: Mishap | None) -> None:
        """Tell the next ones, or take the program away."""
        self.behave(str(mishap or ""))
        self.program.chmod(0o600 if mishap is Mishap.MISSING else 0o700)

    def behave(self, mode: str) -> None:
        """Tell all of them, in the words of the double."""
        (self.folder / "mode").write_text(mode)

    async def die(self) -> None:
        """Kill every one."""
        for agent in self.agents():
            with suppress(ProcessLookupError):
                os.kill(agent["pid"], signal.SIGKILL)
        with anyio.fail_after(GONE_SECONDS):
            while await self.present():
                await anyio.sleep(LOOK_SECONDS)

    async def drift(self) -> None:
        """Another name for whoever asks."""
        (self.folder / "name").write_text("drifted.ngrok-free.app")

    async def send(self, url: str, body: bytes) -> None:
        """Through the agent that has the name."""
        parts = urlsplit(url)
        (port,) = (
            agent["port"]
            for agent in self.agents()
            if any(self._name(each) == parts.netloc for each in self._endpoints(agent))
        )
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(
                f"http://127.0.0.1:{port}{parts.path}?{parts.query}",
                content=body,
                headers={"Host": parts.netloc},
            )

    # -- what is somebody else's

    async def intrude(self, state_dir: Path) -> None:
        """Another ngrok, and markers that seem to be about it."""
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        config = elsewhere / "ngrok.yml"
        config.write_text("version: '3'\nagent:\n  authtoken: another\n")
        program = [sys.executable, "-I", "-S", fake_ngrok.__file__, str(elsewhere)]
        call = [*program, "start", "--none", "--log", "stdout", "--config", str(config)]
        stranger = subprocess.Popen(call, stdout=subprocess.DEVNULL, start_new_session=True)
        self._strangers.append(stranger)
        created = psutil.Process(stranger.pid).create_time()
        Marker(state_dir, "ngrok").write({"pid": stranger.pid, "created": created})
        Marker(state_dir, "ngrok-by-hand").write({"pid": stranger.pid, "created": 1.0})

    async def disturbed(self) -> Sequence[str]:
        """Whoever has ended."""
        return [f"process {each.pid} ended" for each in self._strangers if each.poll() is not None]

    def agents(self) -> list[dict[str, Any]]:
        """Every start of the program: its ``pid``, ``argv``, ``port`` and ``token``."""
        starts = self.folder / "starts"
        lines = starts.read_text().splitlines() if starts.exists() else []
        return [json.loads(line) for line in lines]

    def _endpoints(self, agent: Mapping[str, Any]) -> list[dict[str, str]]:
        file = self.folder / f"endpoints-{agent['pid']}"
        return list(json.loads(file.read_text()).values()) if file.exists() else []

    def _name(self, endpoint: Mapping[str, str]) -> str:
        name = self.folder / "name"
        return name.read_text() if name.exists() else urlsplit(endpoint["url"]).netloc


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
