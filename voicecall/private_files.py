"""How small secret files are kept: nobody else reads them, nobody lures us through a symlink.

Standard library only and light, because the command line imports it for every command.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voicecall.errors import ConfigError

STATE_DIR_VARIABLE = "VOICECALL_STATE_DIR"


@contextmanager
def written(target: Path, text: str) -> Iterator[Path]:
    """`text` in a private file beside `target`, to be moved there; gone on leaving.

    Raises:
        ConfigError: it cannot be written, or the body raised an OSError.
    """
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    with explained(target):
        draft.unlink(missing_ok=True)
        file = open_private(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(file, "w", encoding="utf-8") as stream:
                stream.write(text)
            yield draft
        finally:
            draft.unlink(missing_ok=True)


def read_private(path: Path) -> str | None:
    """The text of a file that only we can read; None when there is none.

    Raises:
        ConfigError: others can read it, it is somebody else's, or a symlink.
    """
    try:
        file = open_private(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    with os.fdopen(file, encoding="utf-8", errors="replace") as stream:
        require_private(path, os.fstat(file), wanted=0o600)
        return stream.read()


def open_private(path: Path, flags: int) -> int:
    """A file descriptor of `path`, made with mode 0600 where `flags` say so.

    Raises:
        FileNotFoundError: it, or its directory, does not exist.
        ConfigError: a symlink, or not permitted.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError:
        raise
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise ConfigError(f"{path} is a symlink, which is refused; remove it") from error
        raise ConfigError(_cannot_use(path, error)) from error


def require_private(path: Path, found: os.stat_result, *, wanted: int) -> None:
    """Check that what was `found` at `path` is ours alone; `wanted` is the mode to advise.

    Raises:
        ConfigError: it belongs to another user, or is open to others.
    """
    if os.geteuid() not in (0, found.st_uid):
        raise ConfigError(
            f"{path} belongs to another user (uid {found.st_uid}); "
            f"set {STATE_DIR_VARIABLE} to a directory of your own"
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"{path} is open to other users (mode {mode:04o}) and holds secrets; "
            f"run: chmod {wanted:o} {path}"
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about `path` into a ConfigError that says what to do."""
    try:
        yield
    except OSError as error:
        raise ConfigError(_cannot_use(path, error)) from error


def _cannot_use(path: Path, error: OSError) -> str:
    return (
        f"{path} cannot be used ({error.strerror}); check its owner, its mode and the space on "
        f"the disk, or set {STATE_DIR_VARIABLE} to another directory"
    )
