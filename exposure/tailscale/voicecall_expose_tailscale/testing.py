"""How does a test set up a Tailscale of its own, look into it, and change it as others would?"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio.lowlevel

from voicecall_expose_tailscale import fake_tailscale
from voicecall_expose_tailscale.cli import Result
from voicecall_expose_tailscale.serving import Mount, Serving, read_serving


class FakeTailscale:
    """A program `tailscale` in `folder`, and its state."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state.json"
        self.program = folder / "tailscale"
        call = shlex.join([sys.executable, "-I", "-S", fake_tailscale.__file__])
        where = shlex.quote(str(self._state))
        self.program.write_text(f'#!/bin/sh\n{fake_tailscale.VARIABLE}={where} exec {call} "$@"\n')
        self.program.chmod(0o700)

    @contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """The state, to be changed."""
        with fake_tailscale.state(str(self._state)) as now:
            yield now

    def set(self, **changed: object) -> None:
        """``mode``, ``busy``, ``name``, ``version``, ``config``."""
        with self.changing() as now:
            now.update(changed)

    @property
    def host(self) -> str:
        """The machine's name."""
        with self.changing() as now:
            return fake_tailscale.name_of(now)

    @property
    def serving(self) -> Serving:
        """What is served."""
        return read_serving(self.config)

    @property
    def config(self) -> dict[str, Any]:
        """The same as Tailscale keeps it."""
        with self.changing() as now:
            return dict(now.get("config") or {})

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call so far."""
        with self.changing() as now:
            return list(now.get("calls", []))

    @property
    def changes(self) -> int:
        """How many calls changed something."""
        with self.changing() as now:
            return int(now.get("changes", 0))

    def put(self, path: str, target: str, *, port: int = 443, funnel: bool = False) -> Mount:
        """Somebody mounts something."""
        with self.changing() as now:
            fake_tailscale.put(now, port, path, target, funnel)
            host = fake_tailscale.name_of(now)
        return Mount(host=host, port=port, path=path, target=target)

    def off(self, mount: Mount) -> None:
        """Somebody takes a mount away."""
        with self.changing() as now:
            fake_tailscale.off(now, mount.port, mount.path)

    async def run(self, program: str, *arguments: str) -> Result:
        """In the place of `cli.run`: the same program, but in this process, which is quicker."""
        await anyio.lowlevel.checkpoint()
        with self.changing() as now:
            code, out, err = fake_tailscale.respond(now, arguments)
        return Result(arguments=arguments, code=code, out=out, err=err)

    def blocked(self) -> list[int]:
        """Processes that wait for ever and are still there."""
        with self.changing() as now:
            pids = list(now.get("pids", []))
        return [pid for pid in pids if _is_there(pid)]


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
