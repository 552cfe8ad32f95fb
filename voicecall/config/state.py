"""Where a gateway keeps what it must remember, and how its clients find it.

The command line imports this module for every command, so it uses nothing but light parts of
the standard library: no dataclasses (15 ms), no typing, no pydantic.

=============  ====================================================================
gateway.lock   held (flock) by the gateway that owns this directory; its pid inside
gateway.json   where that gateway listens, and its token; valid only under the lock
gateway.token  the token, the same over restarts
=============  ====================================================================
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from voicecall.config.hiding import hiding
from voicecall.errors import ConfigError, PortInUse
from voicecall.private_files import (
    STATE_DIR_VARIABLE,
    explained,
    open_private,
    read_private,
    require_private,
    written,
)

_ADDRESS, _LOCK, _TOKEN = "gateway.json", "gateway.lock", "gateway.token"
_PROBE_RETRIES = 10
_PROBE_SECONDS = 0.02


def state_dir(environ: Mapping[str, str]) -> Path:
    """The state directory: `$VOICECALL_STATE_DIR`, else ``~/.voicecall``. Touches no file."""
    configured = environ.get(STATE_DIR_VARIABLE)
    if configured:
        return Path(configured).expanduser().absolute()
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / ".voicecall"


def prepare_state_dir(path: Path) -> None:
    """Make the state directory, mode 0700, or check the one that is there.

    Raises:
        ConfigError: a symlink, no directory, somebody else's, open to others, or not makable.
    """
    with explained(path):
        with suppress(FileExistsError):
            path.mkdir(mode=0o700, parents=True)
        found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise ConfigError(
            f"the state directory {path} is a symlink, which is refused; "
            f"set {STATE_DIR_VARIABLE} to the directory itself"
        )
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(
            f"the state directory {path} is not a directory; "
            f"move it away, or set {STATE_DIR_VARIABLE} to another place"
        )
    require_private(path, found, wanted=0o700)


class GatewayAddress:
    """Where a gateway listens, and what it wants to hear.

    Args:
        url: base URL of the gateway listener, for example ``http://127.0.0.1:3335``.
        token: for ``Authorization: Bearer``; never printed.
        pid: process id of the gateway.
        version: its version of voicecall.
    """

    __slots__ = ("pid", "token", "url", "version")

    def __init__(self, *, url: str, token: str, pid: int, version: str) -> None:
        self.url = url
        self.token = token
        self.pid = pid
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GatewayAddress) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return (
            f"GatewayAddress(url={self.url!r}, token='**********', "
            f"pid={self.pid!r}, version={self.version!r})"
        )

    def _fields(self) -> tuple[str, str, int, str]:
        return (self.url, self.token, self.pid, self.version)


def read_address(directory: Path) -> GatewayAddress | None:
    """Where the gateway that owns `directory` listens.

    None when none runs: nothing is written there, or what is there was left by a gateway that
    was killed, which shows in its lock being free.

    Raises:
        ConfigError: the file can be read by others, is somebody else's, or is a symlink.
    """
    text = read_private(directory / _ADDRESS)
    if text is None or not _is_held(directory / _LOCK):
        return None
    try:
        found = json.loads(text)
        return GatewayAddress(
            url=str(found["url"]),
            token=str(found["token"]),
            pid=int(found["pid"]),
            version=str(found["version"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def write_address(directory: Path, address: GatewayAddress) -> None:
    """Tell clients where the gateway listens: gateway.json, mode 0600, replaced in one step.

    Raises:
        ConfigError: it cannot be written.
    """
    names = ("url", "token", "pid", "version")
    content = {name: getattr(address, name) for name in names}
    target = directory / _ADDRESS
    with written(target, json.dumps(content) + "\n") as draft:
        os.replace(draft, target)


def remove_address(directory: Path) -> None:
    """Tell clients that no gateway listens any more; removing nothing is not an error."""
    (directory / _ADDRESS).unlink(missing_ok=True)


def load_or_make_token(directory: Path) -> str:
    """The gateway's token: gateway.token, made with 256 random bits when there is none.

    Raises:
        ConfigError: the file is empty, can be read by others, is somebody else's or a symlink.
    """
    target = directory / _TOKEN
    if not os.path.lexists(target):
        with written(target, os.urandom(32).hex() + "\n") as draft, suppress(FileExistsError):
            os.link(draft, target)
    token = (read_private(target) or "").strip()
    if not token:
        raise ConfigError(f"{target} holds no token; delete it, and a new one is made")
    return hiding.remember(token)


class GatewayLock:
    """Makes one process the owner of a state directory, from entering to leaving or dying.

    An address that a killed predecessor left is removed on entering, one's own on leaving.

    Raises:
        PortInUse: on entering: another gateway owns the directory; the message has its pid.
        ConfigError: on entering: the lock file cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file = -1

    def __enter__(self) -> GatewayLock:
        with explained(self._directory):
            file = open_private(self._directory / _LOCK, os.O_RDWR | os.O_CREAT)
        try:
            self._take(file)
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
            remove_address(self._directory)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        return self

    def __exit__(self, *exc_info: object) -> None:
        remove_address(self._directory)
        os.close(self._file)

    def _take(self, file: int) -> None:
        # A client that looks whether the lock is free holds it for a moment: hence the retries.
        for _ in range(_PROBE_RETRIES):
            if _flock(file, fcntl.LOCK_EX):
                return
            time.sleep(_PROBE_SECONDS)
        holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise PortInUse(
            f"a gateway (process {holder}) already runs from {self._directory}: use it, end it, "
            f"or set {STATE_DIR_VARIABLE} to another directory for a second one"
        )


def _is_held(path: Path) -> bool:
    try:
        file = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _flock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def _flock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
