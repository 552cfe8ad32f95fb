"""How are processes run beside a bench, and what did they use? From /proc, which Linux has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
RUN_MAIN = "import sys; from voicecall.cli.main import main; sys.exit(main())"


class Process:
    """A Python process that talks in lines."""

    def __init__(self, running: subprocess.Popen[str]) -> None:
        self._running = running
        self._proc = Path("/proc") / str(running.pid)

    def line(self) -> str:
        """What it says next.

        Raises:
            SystemExit: it ended.
        """
        assert self._running.stdout is not None
        said = self._running.stdout.readline().strip()
        if not said:
            raise SystemExit("a process of the bench ended; see above")
        return said

    @property
    def cpu_seconds(self) -> float:
        """What all its threads have used; see proc_pid_stat(5), utime and stime."""
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def resident_bytes(self) -> int:
        """What it holds in memory now."""
        return int((self._proc / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def process(*arguments: str, python: str = sys.executable) -> Iterator[Process]:
    """A Python process, killed at the end of the block: nothing that it keeps is wanted."""
    running = subprocess.Popen([python, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield Process(running)
    finally:
        running.kill()
        running.wait()
