"""How is an agent started that may outlive us, told from any other process, and ended?"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread
import psutil

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

    def has_argument(self, argument: str) -> bool:
        """Whether `argument` stands on its command line, as long as it has one: a process that
        is just ending has none any more."""
        try:
            words = psutil.Process(self.pid).cmdline()
            return not words or argument in words
        except psutil.Error:
            return False


def start(command: tuple[str, ...], environment: Mapping[str, str], log: Path) -> Running:
    """Start `command` in a session of its own, saying all it says to `log`.

    pyngrok would read a pipe, which has nobody to read it when the agent is to outlive us, and
    ends its child with our process.

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
    """End it with all that it started, kindly at first; also when we are cancelled."""
    with anyio.CancelScope(shield=True):
        for kind, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            if not running.is_alive:
                return
            with suppress(ProcessLookupError):
                os.killpg(running.pid, kind)
            with anyio.move_on_after(seconds):
                while running.is_alive:
                    await anyio.sleep(LOOK_SECONDS)


async def with_argument(argument: str) -> Running | None:
    """The process that leads a session and has `argument` on its command line."""
    return await anyio.to_thread.run_sync(_search, argument)


def _search(argument: str) -> Running | None:
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if argument in process.cmdline() and os.getpgid(process.pid) == process.pid:
                return Running(pid=process.pid, created=process.create_time())
    return None
