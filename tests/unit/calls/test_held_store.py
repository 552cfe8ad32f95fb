"""Another process holds the store's file: how long does whoever writes wait to be told?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio

from voicecall.calls.sqlite_file import BUSY_SECONDS
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.calls.store import CallStore
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, Direction
from voicecall.model.call_events import CallCreated
from voicecall.model.ids import CallId

CALLS = 12


def created(number: int) -> CallCreated:
    return CallCreated(
        call_id=CallId(f"call-{number}"),
        number=1,
        at=100.0,
        provider="mock",
        direction=Direction.OUTBOUND,
        mode=CallMode.CONVERSATION,
        from_number="+15550000001",
        to_number="+15550000002",
        secret="kept",
    )


def test_all_who_wait_for_a_held_file_are_told_together_and_lose_nothing_later(
    tmp_path: Path,
) -> None:
    told: list[str] = []

    async def append(store: CallStore, number: int) -> None:
        try:
            await store.append([created(number)])
        except StoreError as error:
            told.append(str(error))

    async def main() -> None:
        path = tmp_path / "calls.db"
        async with open_sqlite_store(path) as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as holder:
                holder.execute("BEGIN IMMEDIATE")
                # Once for whoever came first, once for all the others; not once for each.
                with anyio.fail_after(CALLS / 2 * BUSY_SECONDS):
                    async with anyio.create_task_group() as tasks:
                        for number in range(CALLS):
                            tasks.start_soon(append, store, number)
                holder.execute("ROLLBACK")
            assert len(told) == CALLS
            assert all("another process holds it" in each for each in told)
            await store.append([created(1)])
            assert len(await store.recent(CALLS)) == 1

    anyio.run(main)
