"""The store of a gateway: SQLite, durable before acknowledged, and readable while it writes."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from voicecall.calls import codec, sqlite_numbers
from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.sqlite_file import (
    explained,
    open_left_alone,
    open_reader,
    open_writer,
)
from voicecall.calls.sqlite_writer import Entry, Writer
from voicecall.calls.store import OUTLINE_EVENTS, CallStore, Lookup
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
_SINCE = f"""
    SELECT seq, kind, body FROM calls JOIN events USING (call_id)
    WHERE started_at >= ? AND kind IN ({", ".join(f"'{kind.__name__}'" for kind in OUTLINE_EVENTS)})
    ORDER BY seq, number
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


@asynccontextmanager
async def reading_sqlite_store(path: Path) -> AsyncIterator[Lookup]:
    """Look into the store in the file `path`, which no gateway has open; nothing is changed.

    Raises:
        StoreError: the file cannot be used; the message says why and what to do.
    """
    lookup = _Reading(await to_thread.run_sync(open_left_alone, path), path)
    try:
        yield lookup
    finally:
        with anyio.move_on_after(CLOSE_SECONDS, shield=True):
            await lookup.aclose()


class _Reading:
    """A `Lookup` with a connection of its own."""

    def __init__(self, reading: sqlite3.Connection, path: Path) -> None:
        self._connection = reading
        self._path = path
        self._one_reader = anyio.CapacityLimiter(1)
        self._closed = False

    async def events(self, call_id: CallId) -> list[CallEvent]:
        return [codec.decode(kind, body) for kind, body in await self._read(_BY_CALL, call_id)]

    async def resolve(self, any_id: str) -> CallId | None:
        return await self._one_call(_BY_ANY_ID, any_id)

    async def live(self) -> list[list[CallEvent]]:
        return _calls(await self._read(_LIVE))

    async def recent(self, limit: int) -> list[list[CallEvent]]:
        return _calls(await self._read(_RECENT, max(0, limit)))

    async def since(self, at: float) -> list[list[CallEvent]]:
        return _calls(await self._read(_SINCE, at))

    async def find_idempotent(self, key: str) -> CallId | None:
        return await self._one_call(_BY_KEY, key)

    async def find_number(self, on: NumberList, number: str) -> ListedNumber | None:
        rows = await self._read(sqlite_numbers.FIND, on.value, number)
        return sqlite_numbers.listed(rows[0]) if rows else None

    async def numbers(self, on: NumberList) -> list[ListedNumber]:
        rows = await self._read(sqlite_numbers.ALL, on.value)
        return [sqlite_numbers.listed(row) for row in rows]

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        await to_thread.run_sync(self._connection.close, limiter=self._one_reader)

    async def _one_call(self, query: str, value: str) -> CallId | None:
        try:
            rows = await self._read(query, value)
        except UnicodeEncodeError:  # ids come from outside; such a one was never stored
            return None
        return CallId(rows[0][0]) if rows else None

    async def _read(self, query: str, *values: str | float) -> list[Any]:
        self._require_open()

        def fetch() -> list[Any]:
            with explained(self._path):
                return self._connection.execute(query, values).fetchall()

        return await to_thread.run_sync(fetch, limiter=self._one_reader)

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed; this gateway is shutting down")


class _SqliteStore(_Reading):
    """A `CallStore`: writes go to the writer's thread."""

    def __init__(self, writer: Writer, reading: sqlite3.Connection, path: Path) -> None:
        super().__init__(reading, path)
        self._writer = writer

    async def append(self, events: Sequence[CallEvent]) -> None:
        self._require_open()
        if events:
            await self._writer.write(Entry([(event, codec.encode(event)) for event in events]))

    async def keep_number(self, on: NumberList, entry: ListedNumber) -> None:
        await self._change(partial(sqlite_numbers.keep, on=on, entry=entry))

    async def drop_number(self, on: NumberList, number: str) -> None:
        await self._change(partial(sqlite_numbers.drop, on=on, number=number))

    async def aclose(self) -> None:
        if self._closed:
            return
        # The reader first: whoever closes last folds the log back into the database file.
        await super().aclose()
        await self._writer.finish()

    async def _change(self, change: Callable[[sqlite3.Connection], None]) -> None:
        self._require_open()
        await self._writer.write(Entry(change=change))


def _calls(rows: Sequence[tuple[int, str, bytes]]) -> list[list[CallEvent]]:
    """One list of events a call from rows of (call's sequence number, kind, body)."""
    return [
        [codec.decode(kind, body) for _, kind, body in group]
        for _, group in groupby(rows, key=lambda row: row[0])
    ]
