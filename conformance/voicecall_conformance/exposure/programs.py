"""What is behind an exposure that starts agents? A program of ours that plays the vendor's."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.parse import urlsplit

import anyio
import httpx
import psutil

from voicecall_conformance.exposure.harness import ExposureHarness, Mishap

GONE_SECONDS = 5.0
LOOK_SECONDS = 0.02


class ProgramHarness(ExposureHarness):
    """An exposure whose agents are played by `fake`, a script of the standard library only.

    It is started with a directory before the arguments of the real program, and adds an object to
    the JSON lines in ``starts`` there at each start: ``pid``, ``argv``, and the ``port`` where it
    is asked for its public names. The file ``mode`` says which mishap it is to meet, and ``name``
    is its public name from now on.
    """

    forwards = True

    fake: ClassVar[str]
    """The script's file name."""
    program_name: ClassVar[str]
    """The real program's."""
    drifted: ClassVar[str]
    """The public name after `drift`."""
    limits: ClassVar[Mapping[str, float]] = {
        "voicecall.sdk.processes.TERM_SECONDS": 0.5,
        "voicecall.sdk.processes.KILL_SECONDS": 0.5,
    }

    def __init__(self) -> None:
        self._strangers: list[subprocess.Popen[bytes]] = []

    @asynccontextmanager
    async def vendor(self) -> AsyncIterator[Mapping[str, object]]:
        """The program in a directory of its own."""
        with TemporaryDirectory() as folder:
            self.folder = Path(folder)
            self.program = self.folder / self.program_name
            call = shlex.join(self._call(self.folder))
            self.program.write_text(f'#!/bin/sh\nexec {call} "$@"\n')
            self.program.chmod(0o700)
            try:
                yield self.section()
            finally:
                await self.die()
                for stranger in self._strangers:
                    stranger.kill()
                    stranger.wait()

    @abstractmethod
    def section(self) -> Mapping[str, object]:
        """The plugin's section."""

    @abstractmethod
    def names(self, agent: Mapping[str, Any]) -> Mapping[str, str]:
        """The public names of an agent → the service behind each."""

    def agents(self) -> list[dict[str, Any]]:
        """Every start of the program."""
        starts = self.folder / "starts"
        lines = starts.read_text().splitlines() if starts.exists() else []
        return [json.loads(line) for line in lines]

    # -- what the double tells

    async def reaches(self, url: str) -> str | None:
        """What the agent that has the name hands on to."""
        parts = urlsplit(url)
        for agent in self.agents():
            service = self.names(agent).get(parts.netloc) if _is_alive(agent["pid"]) else None
            if service is not None:
                return f"{service}{parts.path}"
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
        (self.folder / "name").write_text(self.drifted)

    async def send(self, url: str, body: bytes) -> None:
        """Through the agent that has the name."""
        parts = urlsplit(url)
        (port,) = (each["port"] for each in self.agents() if parts.netloc in self.names(each))
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(
                f"http://127.0.0.1:{port}{parts.path}?{parts.query}",
                content=body,
                headers={"Host": parts.netloc},
            )

    # -- what is somebody else's

    def stranger(self, folder: Path, *arguments: str) -> psutil.Process:
        """The same program, started by somebody else with a `folder` of its own."""
        stranger = subprocess.Popen(
            [*self._call(folder), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._strangers.append(stranger)
        return psutil.Process(stranger.pid)

    async def disturbed(self) -> Sequence[str]:
        """Whoever has ended."""
        return [f"process {each.pid} ended" for each in self._strangers if each.poll() is not None]

    def _call(self, folder: Path) -> list[str]:
        return [sys.executable, "-I", "-S", self.fake, str(folder)]


def _is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
