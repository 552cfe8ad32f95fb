"""What does durability cost? Appends to the store, against bare fsyncs of the same bytes.

Run: ``python bench/store_bench.py [FOLDER]``; the folder (default: a temporary one) decides
which disk is measured. Both sides run interleaved, so that a busy machine slows both.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import anyio

from voicecall.calls.codec import encode
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.calls.store import CallStore
from voicecall.model.call import CallMode, Direction, Speaker
from voicecall.model.call_events import CallCreated, CallEvent, LineSaid
from voicecall.model.ids import CallId, new_call_id

ROUNDS = 300
GROUP = 64
GROUP_ROUNDS = 20


def created(call_id: CallId) -> CallEvent:
    return CallCreated(
        call_id=call_id,
        number=1,
        at=time.time(),
        provider="mock",
        direction=Direction.OUTBOUND,
        mode=CallMode.CONVERSATION,
        from_number="+15550000001",
        to_number="+15550000002",
    )


def line(call_id: CallId, number: int) -> CallEvent:
    text = "I would like to move my appointment to Thursday."
    return LineSaid(call_id=call_id, number=number, at=time.time(), speaker=Speaker.USER, text=text)


def fsync_seconds(file: int, event: CallEvent) -> float:
    started = time.perf_counter()
    os.write(file, encode(event))
    os.fsync(file)
    return time.perf_counter() - started


async def append_seconds(store: CallStore, event: CallEvent) -> float:
    started = time.perf_counter()
    await store.append([event])
    return time.perf_counter() - started


async def group_seconds(store: CallStore, calls: list[CallId], number: int) -> float:
    """Seconds an append, when as many calls as there are append at once."""
    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for call_id in calls:
            tasks.start_soon(store.append, [line(call_id, number)])
    return (time.perf_counter() - started) / len(calls)


async def main(folder: Path) -> None:
    calls = [new_call_id() for _ in range(GROUP)]
    syncs: list[float] = []
    singles: list[float] = []
    groups: list[float] = []
    file = os.open(folder / "plain.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    async with open_sqlite_store(folder / "calls.db") as store:
        await store.append([created(call_id) for call_id in calls])
        for number in range(2, 2 + GROUP_ROUNDS):
            groups.append(await group_seconds(store, calls, number))
        for number in range(2 + GROUP_ROUNDS, 2 + GROUP_ROUNDS + ROUNDS):
            event = line(calls[0], number)
            syncs.append(fsync_seconds(file, event))
            singles.append(await append_seconds(store, event))
    os.close(file)
    report("write and fsync", syncs, syncs)
    report("append, alone", singles, syncs)
    report(f"append, {GROUP} at once", groups, syncs)


def report(name: str, seconds: list[float], base: list[float]) -> None:
    ordered = sorted(seconds)
    p99 = ordered[len(ordered) * 99 // 100]
    ratio = median(ordered) / median(base)
    print(f"{name:22} p50 {median(ordered) * 1e3:7.3f} ms  p99 {p99 * 1e3:7.3f} ms  x{ratio:.2f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as name:
        anyio.run(main, Path(name))
