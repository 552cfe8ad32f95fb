"""What is remembered of calls that are over? Their lines as they were heard, and what was noted.

One SQLite file beside the calls, private to its owner and bounded; its statements run in a worker
thread, one at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from voicecall.sdk import ConfigError
from voicecall_responder_model.config import MemoryConfig

FILE = "responder-model.db"
MOST_CALLS = 100_000
"""Calls that are kept, of everybody; the oldest are forgotten first."""
MOST_CALLS_OF_ONE = 50
LONGEST_LINE = 500
BUSY_SECONDS = 5.0
DAY = 86_400.0

T = TypeVar("T")

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS calls (
        call_id TEXT PRIMARY KEY,
        agent_id TEXT NOT NULL,
        session_key TEXT NOT NULL,
        at REAL NOT NULL,
        lines TEXT NOT NULL DEFAULT '[]',
        outcome TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS by_session ON calls (agent_id, session_key, at);
    CREATE INDEX IF NOT EXISTS by_time ON calls (at);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose memory it is: `sessionScope`'s key, apart for each agent."""

    agent_id: str
    session_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """A call that is over. `lines`: who spoke (``caller`` or ``you``) and what was heard."""

    at: float
    lines: tuple[tuple[str, str], ...]
    outcome: str | None


class Memory:
    """The file. Its methods raise `sqlite3.Error` when it fails."""

    def __init__(self, connection: sqlite3.Connection, config: MemoryConfig) -> None:
        self._connection = connection
        self._config = config
        self._one = anyio.CapacityLimiter(1)

    async def recall(self, owner: Owner, *, now: float, but: str) -> list[PastCall]:
        """The latest calls of `owner` except `but`, the oldest first, as long as lines allow."""
        return await self._run(lambda: self._recall(owner, now, but))

    async def keep(
        self, owner: Owner, call_id: str, lines: Sequence[tuple[str, str]], *, at: float
    ) -> None:
        """Remember what was said in a call that ended at `at`; forget what is too old."""
        wanted = lines[-self._config.lines :]
        cut = json.dumps([(who, text[:LONGEST_LINE]) for who, text in wanted])
        await self._run(lambda: self._put(owner, call_id, at, "lines", cut))

    async def note(self, owner: Owner, call_id: str, outcome: str, *, at: float) -> None:
        """Remember how a call went; a later note replaces it."""
        await self._run(lambda: self._put(owner, call_id, at, "outcome", outcome[:LONGEST_LINE]))

    async def _run(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._one)

    def _recall(self, owner: Owner, now: float, but: str) -> list[PastCall]:
        rows = self._connection.execute(
            "SELECT at, lines, outcome FROM calls WHERE agent_id = ? AND session_key = ?"
            " AND at > ? AND call_id != ? ORDER BY at DESC LIMIT ?",
            (owner.agent_id, owner.session_key, self._oldest(now), but, MOST_CALLS_OF_ONE),
        )
        room, found = self._config.lines, list[PastCall]()
        for at, lines, outcome in rows:
            if room <= 0:
                break
            said = [(str(who), str(text)) for who, text in json.loads(lines)][-room:]
            room -= max(1, len(said))
            found.append(PastCall(at=at, lines=tuple(said), outcome=outcome))
        return found[::-1]

    def _put(self, owner: Owner, call_id: str, at: float, column: str, value: str) -> None:
        execute = self._connection.execute
        with self._connection:
            execute(
                f"INSERT INTO calls (call_id, agent_id, session_key, at, {column})"
                f" VALUES (?, ?, ?, ?, ?) ON CONFLICT (call_id) DO UPDATE"
                f" SET at = excluded.at, {column} = excluded.{column}",
                (call_id, owner.agent_id, owner.session_key, at, value),
            )
            execute("DELETE FROM calls WHERE at <= ?", (self._oldest(at),))
            execute(
                "DELETE FROM calls WHERE call_id IN (SELECT call_id FROM calls WHERE agent_id = ?"
                " AND session_key = ? ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (owner.agent_id, owner.session_key, MOST_CALLS_OF_ONE),
            )
            execute(
                "DELETE FROM calls WHERE call_id IN"
                " (SELECT call_id FROM calls ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MOST_CALLS,),
            )

    def _oldest(self, now: float) -> float:
        return now - self._config.days * DAY


@asynccontextmanager
async def open_memory(state_dir: Path, config: MemoryConfig) -> AsyncIterator[Memory | None]:
    """The memory in `state_dir`; None when `memory.lines` is 0.

    Raises:
        ConfigError: the file cannot be used; the message says what to do.
    """
    if not config.lines:
        yield None
        return
    path = state_dir / FILE
    try:
        connection = await anyio.to_thread.run_sync(_connect, path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(
            f"the memory of calls {str(path)!r} cannot be used ({error}): check its owner and "
            "mode and the space on the disk, or move it away to begin anew"
        ) from error
    with closing(connection):
        yield Memory(connection, config)


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
    # One thread at a time uses it, but not always the same.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
