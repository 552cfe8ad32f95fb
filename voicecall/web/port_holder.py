"""Who listens on a port of this machine? Best effort, from what Linux tells under /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LISTEN = "0A"
_PROC = Path("/proc")


def describe_holder(port: int) -> str:
    """``process 4711 (nginx)`` for who listens on TCP `port`, or ``another process``."""
    inodes = set(_listening_inodes(port))
    for pid in _processes() if inodes else ():
        if inodes & set(_socket_inodes(pid)):
            return f"process {pid} ({_name(pid)})"
    return "another process"


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                local, state, inode = fields[1], fields[3], fields[9]
                if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                    yield inode


def _processes() -> list[int]:
    with suppress(OSError):
        return sorted(int(name) for name in os.listdir(_PROC) if name.isdecimal())
    return []


def _socket_inodes(pid: int) -> Iterator[str]:
    folder = _PROC / str(pid) / "fd"
    with suppress(OSError):
        for entry in os.listdir(folder):
            with suppress(OSError):
                target = os.readlink(folder / entry)
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]


def _name(pid: int) -> str:
    with suppress(OSError):
        return (_PROC / str(pid) / "comm").read_text().strip()
    return "ended meanwhile"
