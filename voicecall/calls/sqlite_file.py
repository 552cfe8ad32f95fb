"""The database file: who may read it, what tables it has, and what its failures mean."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voicecall.errors import StoreError

APPLICATION_ID = 0x766F6963
"""``voic``: marks the file as ours, see https://sqlite.org/fileformat2.html#application_id."""

SCHEMA_VERSION = 2

BUSY_SECONDS = 1.0
"""How long to wait for another process that holds the file. A carrier waits for the answer to a
webhook, tries it again, and then asks for the apology: all of it within 15 s."""

_STEPS = {
    1: f"""
    CREATE TABLE calls (
        seq INTEGER PRIMARY KEY,
        call_id TEXT NOT NULL UNIQUE,
        started_at REAL NOT NULL,
        live INTEGER NOT NULL,
        last_number INTEGER NOT NULL,
        idempotency_key TEXT UNIQUE
    );
    CREATE INDEX live_calls ON calls (seq) WHERE live;
    CREATE TABLE events (
        call_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (call_id, number)
    ) WITHOUT ROWID;
    CREATE TABLE carrier_ids (
        carrier_id TEXT PRIMARY KEY,
        call_id TEXT NOT NULL
    ) WITHOUT ROWID;
    PRAGMA application_id = {APPLICATION_ID};
    """,
    2: """
    CREATE INDEX calls_by_start ON calls (started_at);
    CREATE TABLE numbers (
        list TEXT NOT NULL,
        number TEXT NOT NULL,
        at REAL NOT NULL,
        source TEXT NOT NULL,
        call_id TEXT,
        code TEXT,
        calls INTEGER NOT NULL,
        PRIMARY KEY (list, number)
    ) WITHOUT ROWID;
    """,
}
"""Version → what makes it of the one before; an empty file is version 0."""


class StoreHeld(StoreError):
    """Another process holds the file, whatever is to be written."""


_FULL = "new calls are refused until there is room; running calls go on and nothing needs repair"
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REMEDIES = {
    sqlite3.SQLITE_FULL: f"the disk or a quota is full: {_FULL}",
    sqlite3.SQLITE_IOERR: f"the disk is full, over its quota or failing: {_FULL}",
    **dict.fromkeys(_HELD, "another process holds it: end that process, or the open transaction"),
    sqlite3.SQLITE_READONLY: "it cannot be written: check the owner and mode of file and folder",
    sqlite3.SQLITE_PERM: "it cannot be written: check the owner and mode of file and folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check the owner and mode of file and folder",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database: point `store` at another file, or move it",
    sqlite3.SQLITE_CORRUPT: "it is damaged: stop the gateway, then restore a backup, or move the "
    "file away together with its -wal and -shm neighbours to begin a new one",
}


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """What `error` means for the people who run the gateway, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    remedy = _REMEDIES.get(code, f"{error}: see the log of this gateway")
    kind = StoreHeld if code in _HELD else StoreError
    return kind(f"call store {str(path)!r}: {remedy}")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about `path` into `StoreError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit on leaving, roll back when anything raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk rolls back by itself, see https://sqlite.org/lang_transaction.html.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def open_writer(path: Path) -> sqlite3.Connection:
    """Open `path` for writing; make it, private to its owner, when it does not exist.

    Raises:
        StoreError: not ours, of another version, damaged, a symlink, or open to others.
    """
    _make_private(path)
    with explained(path):
        connection = _connect(path)
        try:
            version = _check_format(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _migrate(connection, version)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A second connection to the file that `open_writer` prepared; it cannot write."""
    with explained(path):
        connection = _connect(path)
        connection.execute("PRAGMA query_only = ON")
        return connection


def open_left_alone(path: Path) -> sqlite3.Connection:
    """A connection to a file that no gateway has open now; it cannot write.

    Raises:
        StoreError: not ours, damaged, or of another version, which only a gateway brings up to
            date.
    """
    with explained(path):
        connection = open_reader(path)
        try:
            version = _check_format(connection, path)
            if version != SCHEMA_VERSION:
                raise StoreError(
                    f"call store {str(path)!r} is of format {version}; "
                    "'voicecall serve' brings it up to date"
                )
        except BaseException:
            connection.close()
            raise
        return connection


def _connect(path: Path) -> sqlite3.Connection:
    # One thread at a time uses it, but not always the thread that made it.
    return sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )


def _check_format(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file, 0 when it is empty; refuses what we cannot read."""
    tables = _number(connection, "SELECT count(*) FROM sqlite_master")
    version = _number(connection, "PRAGMA user_version")
    owner = _number(connection, "PRAGMA application_id")
    if tables == version == owner == 0:
        return 0
    if owner != APPLICATION_ID:
        raise StoreError(
            f"call store {str(path)!r} is a database of another program; "
            "point `store` at a file of its own"
        )
    if version not in _STEPS:
        age = "a newer" if version > SCHEMA_VERSION else "an older"
        raise StoreError(
            f"call store {str(path)!r} was written by {age} voicecall (format {version}, this "
            f"one reads {SCHEMA_VERSION}): install that version, or move the file away"
        )
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring the file from `version` to ours, each step whole or not at all."""
    for step in range(version + 1, SCHEMA_VERSION + 1):
        with transaction(connection):
            for statement in filter(str.strip, _STEPS[step].split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step}")


def _number(connection: sqlite3.Connection, query: str) -> int:
    (value,) = connection.execute(query).fetchone()
    return int(value)


def _make_private(path: Path) -> None:
    """A regular file of mode 0600 in a folder that nobody else can write to."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_folder(path.parent)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise StoreError(
                f"call store {str(path)!r} is not a regular file (symlinks are refused); "
                "point `store` at the file itself"
            )
        if path.exists():
            path.chmod(0o600)
        else:
            _create(path)
    except OSError as error:
        raise StoreError(
            f"call store {str(path)!r} cannot be used ({error.strerror}): "
            "check the owner and mode of file and folder, and the space on the disk"
        ) from error


def _check_folder(folder: Path) -> None:
    mode = folder.stat().st_mode
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise StoreError(
            f"others can write to the folder {str(folder)!r} of the call store; "
            f"run: chmod go-w {folder}"
        )


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    # SQLite syncs what is in the file; that the file exists is known to its folder.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
