"""Is what we keep kept from others? Owner and mode of the state directory and of its secrets."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from voicecall.cli.findings import error, ok
from voicecall.sdk.provider import Finding

SUBJECT = "state directory"


def check_state(directory: Path, *, fix: bool) -> list[Finding]:
    """Look at `directory`, which closes what is in it to others, and at the gateway's secrets.

    Args:
        directory: it need not exist.
        fix: take away what others may do; links and other people's files are left alone.
    """
    if not os.path.lexists(directory):
        return [ok(SUBJECT, f"{directory} does not exist yet; the first gateway makes it")]
    if directory.is_symlink() or not directory.is_dir():
        kind = "a symlink" if directory.is_symlink() else "no directory"
        remedy = "name the directory itself with --state-dir or VOICECALL_STATE_DIR"
        return [error(SUBJECT, f"{directory} is {kind}, which is refused", remedy)]
    paths = [directory, *sorted(directory.glob("gateway.*"))]
    found = [finding for path in paths for finding in _check(path, fix=fix)]
    return found or [ok(SUBJECT, f"{directory} is ours alone")]


def _check(path: Path, *, fix: bool) -> list[Finding]:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return []
    if os.geteuid() not in (0, found.st_uid):
        text = f"{path} belongs to another user (uid {found.st_uid})"
        return [error(SUBJECT, text, "give it to the user that the gateway runs as")]
    mode = stat.S_IMODE(found.st_mode)
    if not mode & 0o077:
        return []
    wanted = mode & 0o700
    if fix:
        path.chmod(wanted)
        return [ok(SUBJECT, f"{path} was open to other users (mode {mode:04o}); repaired")]
    text = f"{path} is open to other users (mode {mode:04o})"
    return [error(SUBJECT, text, f"chmod {wanted:o} {path}, or voicecall doctor --fix")]
