"""The one thread that writes: everything that waits becomes one transaction (group commit)."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio import from_thread, to_thread
from anyio.lowlevel import EventLoopToken, current_token

from voicecall.calls import codec
from voicecall.calls.sqlite_file import StoreHeld, explain, transaction
from voicecall.calls.store import key_taken, out_of_order
from voicecall.errors import StoreError
from voicecall.model.call_events import CallCreated, CallEvent, CallFinished, CarrierIdLearned

_log = logging.getLogger(__name__)

MAX_GROUP = 512
"""How many appends share one transaction at most, so that nobody waits for a huge one."""


@dataclass(slots=True)
class Entry:
    """One write on its way, and its result.

    Args:
        rows: events with their bodies.
        change: what else is written.
    """

    rows: Sequence[tuple[CallEvent, bytes]] = ()
    change: Callable[[sqlite3.Connection], None] | None = None
    done: anyio.Event = field(default_factory=anyio.Event)
    error: StoreError | None = None


class Writer:
    """Owns the writing connection. Make it in the event loop that appends.

    Args:
        connection: open, of format `SCHEMA_VERSION`; closed by this writer's thread.
        path: for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._entries: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._loop: EventLoopToken = current_token()
        # A daemon, so that a loop that died without closing cannot keep the process alive.
        self._thread = threading.Thread(target=self._run, name="voicecall-store", daemon=True)
        self._thread.start()

    async def write(self, entry: Entry) -> None:
        """Hand `entry` over and wait for its result; cancelling only ends the waiting.

        Raises:
            StoreError: the entry's own.
        """
        self._entries.put(entry)
        await entry.done.wait()
        if entry.error is not None:
            raise entry.error

    async def finish(self) -> None:
        """Write what was handed over, then end the thread."""
        self._entries.put(None)
        await to_thread.run_sync(self._thread.join, abandon_on_cancel=True)

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            self._commit(group)
            try:
                from_thread.run_sync(_settle, group, token=self._loop)
            except RuntimeError:  # the loop is gone, and with it everybody who waited
                break
        self._connection.close()

    def _next_group(self) -> tuple[list[Entry], bool]:
        """The entries that wait now, at least one, and whether more may come."""
        group: list[Entry] = []
        entry = self._entries.get()
        while entry is not None:
            group.append(entry)
            if len(group) == MAX_GROUP or self._entries.empty():
                return group, True
            entry = self._entries.get()
        return group, False

    def _commit(self, group: Sequence[Entry]) -> None:
        """Write the group as one transaction; if that fails, each entry by itself, unless none
        of them is to blame: waiting for the file once for each would take too long."""
        error = self._attempt(group)
        if error is None:
            return
        alone = len(group) > 1 and not isinstance(error, StoreHeld)
        for entry in group:
            entry.error = self._attempt([entry]) if alone else error

    def _attempt(self, entries: Sequence[Entry]) -> StoreError | None:
        try:
            with transaction(self._connection):
                for entry in entries:
                    for event, body in entry.rows:
                        _insert(self._connection, event, body)
                    if entry.change is not None:
                        entry.change(self._connection)
        except StoreError as error:
            return error
        except sqlite3.Error as error:
            _log.warning("call store: a write failed", extra={"sqlite": str(error)})
            return explain(error, self._path)
        except Exception:  # the thread's top: its other waiters must not wait for ever
            _log.exception("call store: the writer met a defect")
            return StoreError("the call store met a defect of its own; see the gateway's log")
        return None


def _settle(group: Sequence[Entry]) -> None:
    for entry in group:
        entry.done.set()


def _insert(connection: sqlite3.Connection, event: CallEvent, body: bytes) -> None:
    if isinstance(event, CallCreated):
        _create(connection, event)
    else:
        _advance(connection, event)
    if isinstance(event, CarrierIdLearned):
        connection.execute(
            "INSERT OR REPLACE INTO carrier_ids (carrier_id, call_id) VALUES (?, ?)",
            (event.carrier_call_id, event.call_id),
        )
    connection.execute(
        "INSERT INTO events (call_id, number, kind, at, body) VALUES (?, ?, ?, ?, ?)",
        (event.call_id, event.number, codec.kind_of(event), event.at, body),
    )


def _create(connection: sqlite3.Connection, event: CallCreated) -> None:
    last = _last_number(connection, event)
    if last or event.number != 1:
        raise out_of_order(event, last)
    try:
        connection.execute(
            "INSERT INTO calls (call_id, started_at, live, last_number, idempotency_key) "
            "VALUES (?, ?, 1, 1, ?)",
            (event.call_id, event.at, event.idempotency_key),
        )
    except sqlite3.IntegrityError:
        raise key_taken(event) from None


def _advance(connection: sqlite3.Connection, event: CallEvent) -> None:
    moved = connection.execute(
        "UPDATE calls SET last_number = ?, live = live AND ? WHERE call_id = ? AND last_number = ?",
        (event.number, not isinstance(event, CallFinished), event.call_id, event.number - 1),
    )
    if moved.rowcount != 1:
        raise out_of_order(event, _last_number(connection, event))


def _last_number(connection: sqlite3.Connection, event: CallEvent) -> int:
    query = "SELECT last_number FROM calls WHERE call_id = ?"
    row = connection.execute(query, (event.call_id,)).fetchone()
    return int(row[0]) if row else 0
