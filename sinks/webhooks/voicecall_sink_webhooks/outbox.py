"""What is still to be delivered? A small SQLite file that outlives the gateway."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, TypeVarTuple, Unpack

import anyio
import anyio.to_thread

T = TypeVar("T")
Given = TypeVarTuple("Given")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    body BLOB NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS by_due ON deliveries (url, due);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one receiver. `due` is the wall time of its next attempt."""

    id: str
    body: bytes
    due: float
    attempts: int = 0


class Outbox:
    """Deliveries to `url`, in a file that several sinks may share. One task at a time."""

    def __init__(self, path: Path, url: str) -> None:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600))
        self._url = url
        self._lock = anyio.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, timeout=10)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.executescript(_SCHEMA)

    async def add(self, delivery: Delivery, *, most: int) -> int:
        """Keep `delivery`; returns how many of the oldest went, so that `most` are kept."""
        return await self._run(self._add, delivery, most)

    async def next(self) -> Delivery | None:
        """The one that is due first; None: nothing is waiting."""
        return await self._run(self._next)

    async def settle(self, delivery: Delivery) -> None:
        """Forget `delivery`: it arrived, or was given up."""
        await self._run(self._execute, "DELETE FROM deliveries WHERE id = ?", delivery.id)

    async def postpone(self, delivery: Delivery, due: float) -> None:
        """Count an attempt at `delivery`; the next one is at `due`."""
        await self._run(
            self._execute,
            "UPDATE deliveries SET due = ?, attempts = attempts + 1 WHERE id = ?",
            due,
            delivery.id,
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    async def _run(self, work: Callable[[Unpack[Given]], T], *arguments: *Given) -> T:
        async with self._lock:
            return await anyio.to_thread.run_sync(work, *arguments)

    def _add(self, new: Delivery, most: int) -> int:
        with self._database:
            self._database.execute(
                "INSERT INTO deliveries (id, url, body, due, attempts) VALUES (?, ?, ?, ?, ?)",
                (new.id, self._url, new.body, new.due, new.attempts),
            )
            return self._database.execute(
                "DELETE FROM deliveries WHERE url = ? AND rowid NOT IN "
                "(SELECT rowid FROM deliveries WHERE url = ? ORDER BY rowid DESC LIMIT ?)",
                (self._url, self._url, most),
            ).rowcount

    def _next(self) -> Delivery | None:
        row = self._database.execute(
            "SELECT id, body, due, attempts FROM deliveries WHERE url = ? ORDER BY due LIMIT 1",
            (self._url,),
        ).fetchone()
        if row is None:
            return None
        return Delivery(id=row[0], body=row[1], due=row[2], attempts=row[3])

    def _execute(self, statement: str, *values: object) -> None:
        with self._database:
            self._database.execute(statement, values)
