"""The store of a gateway: SQLite, durable before acknowledged, and readable while it writes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from voicecall.calls import codec
from voicecall.calls.sqlite_file import explained, open_reader, open_writer
from voicecall.calls.sqlite_writer import Entry, Writer
from voicecall.calls.store import CallStore
from voicecall.errors import StoreError
from voicecall.model.call_events import CallEvent
from voicecall.model.ids import CallId

CLOSE_SECONDS = 30.0
"""How long closing may take on a disk that does not answer."""

_BY_CALL = "SELECT kind, body FROM events WHERE call_id = ? ORDER BY number"
_BY_ANY_ID = """
    SELECT call_id FROM calls WHERE call_id = ?1
    UNION ALL SELECT call_id FROM carrier_ids WHERE carrier_id = ?1 LIMIT 1
"""
_BY_KEY = "SELECT call_id FROM calls WHERE idempotency_key = ?"
_LIVE = """
    SELECT seq, kind, body FROM calls JOIN events USING (call_id)
    WHERE live ORDER BY seq, number
"""
_RECENT = """
    SELECT seq, kind, body
    FROM (SELECT seq, call_id FROM calls ORDER BY seq DESC LIMIT ?) JOIN events USING (call_id)
    ORDER BY seq DESC, number
"""


@asynccontextmanager
async def open_sqlite_store(path: Path) -> AsyncIterator[CallStore]:
    """Open the store in the file `path`, making it when there is none; closed on leaving.

    File and neighbours get mode 0600, a new folder 0700. Formats of other versions are refused.

    Raises:
        StoreError: the file cannot be used; the message says why and what to do.
    """
    writing = await to_thread.run_sync(open_writer, path)
    try:
        reading = await to_thread.run_sync(open_reader, path)
    except BaseException:
        writing.close()
        raise
    store = _SqliteStore(Writer(writing, path), reading, path)
    try:
        yield store
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await store.aclose()


class _SqliteStore:
    """A `CallStore`: appends go to the writer's thread, reads have a connection of their own."""

    def __init__(self, writer: Writer, reading: sqlite3.Connection, path: Path) -> None:
        self._writer = writer
        self._connection = reading
        self._path = path
        self._one_reader = anyio.CapacityLimiter(1)
        self._closed = False

    async def append(self, events: Sequence[CallEvent]) -> None:
        self._require_open()
        if events:
            await self._writer.write(Entry([(event, codec.encode(event)) for event in events]))

    async def events(self, call_id: CallId) -> list[CallEvent]:
        return [codec.decode(kind, body) for kind, body in await self._read(_BY_CALL, call_id)]

    async def resolve(self, any_id: str) -> CallId | None:
        return await self._one_call(_BY_ANY_ID, any_id)

    async def live(self) -> list[list[CallEvent]]:
        return _calls(await self._read(_LIVE))

    async def recent(self, limit: int) -> list[list[CallEvent]]:
        return _calls(await self._read(_RECENT, max(0, limit)))

    async def find_idempotent(self, key: str) -> CallId | None:
        return await self._one_call(_BY_KEY, key)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        # The reader first: whoever closes last folds the log back into the database file.
        await to_thread.run_sync(self._connection.close, limiter=self._one_reader)
        await self._writer.finish()

    async def _one_call(self, query: str, value: str) -> CallId | None:
        try:
            rows = await self._read(query, value)
        except UnicodeEncodeError:  # ids come from outside; such a one was never stored
            return None
        return CallId(rows[0][0]) if rows else None

    async def _read(self, query: str, *values: str | int) -> list[Any]:
        self._require_open()

        def fetch() -> list[Any]:
            with explained(self._path):
                return self._connection.execute(query, values).fetchall()

        return await to_thread.run_sync(fetch, limiter=self._one_reader)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed; this gateway is shutting down")


def _calls(rows: Sequence[tuple[int, str, bytes]]) -> list[list[CallEvent]]:
    """One list of events a call from rows of (call's sequence number, kind, body)."""
    return [
        [codec.decode(kind, body) for _, kind, body in group]
        for _, group in groupby(rows, key=lambda row: row[0])
    ]
