"""How is a process started that may outlive us, found again after a crash, and ended?"""

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
"""The variable in a process's environment by which it is found when its id was not noted."""
TERM_SECONDS = 1.5
KILL_SECONDS = 1.0
LOOK_SECONDS = 0.02
SAME_SECONDS = 2.0
"""Start times of one process differ by so much when the clock was set meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One process: its id alone may belong to another one by now. `created`: since the epoch."""

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
        """Whether it runs; one of ours that ended is reaped."""
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


def start(command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> Running:
    """Start `command` in a session of its own; what it says on stderr is added to `log`.

    Not as a subprocess object: those end their process when they are thrown away, and this one
    may have to stay.

    Raises:
        OSError: it cannot be executed.
    """
    pid = os.posix_spawn(
        command[0],
        command,
        environment,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(log), os.O_WRONLY | os.O_APPEND, 0),
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


def tagged(tag: str) -> list[Running]:
    """The processes that were started with `tag`; looks at all, so call it in a thread."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            leads = os.getpgid(process.pid) == process.pid
            if leads and process.environ().get(TAG) == tag:
                found.append(Running(pid=process.pid, created=process.create_time()))
    return found
