"""How is a process started that may outlive us, told from any other one, and ended?

Not imported by `voicecall.sdk`: psutil is loaded only where something is started.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import psutil

TAG = "VOICECALL_EXPOSURE"
"""The variable in a process's environment by which it is known as ours."""
TERM_SECONDS = 1.5
KILL_SECONDS = 1.0
LOOK_SECONDS = 0.02
SAME_SECONDS = 2.0
"""Start times of one process differ by so much when the clock was set meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process. Its id may be another one's by now, so `created` goes with it, in seconds
    since the epoch."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Running:
        """The process `pid`.

        Raises:
            psutil.Error: there is none.
        """
        return cls(pid=pid, created=psutil.Process(pid).create_time())

    @property
    def is_alive(self) -> bool:
        """Whether it runs; a child of ours that has ended is reaped."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > SAME_SECONDS:
                return False
            if process.status() != psutil.STATUS_ZOMBIE:
                return True
            process.wait(timeout=0)
        except psutil.Error:
            pass
        return False

    async def has_tag(self, tag: str) -> bool:
        """Whether it was started with `tag`. A process that is just beginning or ending has no
        environment for a moment; what becomes of it is waited for."""
        with anyio.move_on_after(KILL_SECONDS):
            while self.is_alive:
                if variables := self._environment():
                    return variables.get(TAG) == tag
                await anyio.sleep(LOOK_SECONDS)
        return False

    def _environment(self) -> Mapping[str, str]:
        try:
            return psutil.Process(self.pid).environ()
        except (psutil.Error, OSError):
            return {}


def start(command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> Running:
    """Start `command` in a session of its own, adding all it says to `log`.

    Not as a subprocess object: those end their process when they are thrown away, and a pipe
    would have nobody to read it when the process is to outlive us.

    Raises:
        OSError: it cannot be executed.
        psutil.Error: it has ended already.
    """
    pid = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_APPEND, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsid=True,
    )
    return Running.of(pid)


async def end(running: Running) -> None:
    """End it with its whole session, kindly at first; also when we are cancelled."""
    with anyio.CancelScope(shield=True):
        for kind, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if not running.is_alive:
                return
            with suppress(ProcessLookupError):
                os.killpg(running.pid, kind)
            with anyio.move_on_after(seconds):
                while running.is_alive:
                    await anyio.sleep(LOOK_SECONDS)


def tagged(tag: str) -> Running | None:
    """The process that leads a session and was started with `tag`; looks at all, so call it in a
    thread."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            leads = os.getpgid(process.pid) == process.pid
            if leads and process.environ().get(TAG) == tag:
                return Running(pid=process.pid, created=process.create_time())
    return None
