"""What does the database file promise beyond the store's contract: privacy, space, durability?"""

import os
import random
import sqlite3
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import anyio
import pytest
from anyio import wait_all_tasks_blocked
from anyio.lowlevel import checkpoint

from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.sqlite_file import open_writer
from voicecall.calls.sqlite_store import open_sqlite_store, reading_sqlite_store
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, Direction
from voicecall.model.call_events import CallCreated, CallEvent, DigitsReceived
from voicecall.model.ids import CallId

KILL_ROUNDS = 5
A = CallId("call-a")

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "calls.db"


def created(call_id: CallId = A) -> CallCreated:
    return CallCreated(
        call_id=call_id,
        number=1,
        at=100.0,
        provider="mock",
        direction=Direction.INBOUND,
        mode=CallMode.CONVERSATION,
        from_number=None,
        to_number=None,
    )


def digits(number: int, keys: str = "1", call_id: CallId = A) -> DigitsReceived:
    return DigitsReceived(call_id=call_id, number=number, at=101.0, digits=keys)


async def stored(path: Path, *events: CallEvent) -> None:
    async with open_sqlite_store(path) as store:
        await store.append(events)


async def refusal(path: Path) -> str:
    with pytest.raises(StoreError) as caught:
        async with open_sqlite_store(path):
            pass
    return str(caught.value)


def execute(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(statement).fetchall()
        connection.commit()
        return rows
    finally:
        connection.close()


def commits_in_log(path: Path) -> int:
    """How many transactions the write-ahead log holds: https://sqlite.org/fileformat2.html#walformat."""
    log = path.with_name(path.name + "-wal").read_bytes()
    frame = 24 + int.from_bytes(log[8:12], "big")
    heads = range(32, len(log), frame)
    return sum(int.from_bytes(log[at + 4 : at + 8], "big") > 0 for at in heads)


async def test_events_outlive_the_store(path: Path) -> None:
    await stored(path, created(), digits(2))
    async with open_sqlite_store(path) as store:
        assert await store.live() == [[created(), digits(2)]]


async def test_file_and_neighbours_are_private_in_a_private_folder(path: Path) -> None:
    before = os.umask(0)
    try:
        async with open_sqlite_store(path) as store:
            await store.append([created()])
            files = sorted(path.parent.iterdir())
            assert [file.name for file in files] == ["calls.db", "calls.db-shm", "calls.db-wal"]
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    await stored(path, created())
    path.chmod(0o644)
    await stored(path, digits(2))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_symlink_is_refused(path: Path, tmp_path: Path) -> None:
    await stored(path, created())
    link = tmp_path / "link.db"
    link.symlink_to(path)
    assert "symlinks are refused" in await refusal(link)
    link.unlink()
    link.symlink_to(tmp_path / "nowhere.db")
    assert "symlinks are refused" in await refusal(link)
    assert not (tmp_path / "nowhere.db").exists()


async def test_a_folder_that_others_can_write_to_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o777)
    assert f"chmod go-w {path.parent}" in await refusal(path)
    assert not path.exists()


async def test_a_folder_in_the_place_of_the_file_is_refused(path: Path) -> None:
    path.mkdir(parents=True)
    assert "not a regular file" in await refusal(path)


async def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be used" in await refusal(tmp_path / "file" / "calls.db")


async def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"Dear diary, " * 500)
    assert "no SQLite database" in await refusal(path)
    assert path.read_bytes() == b"Dear diary, " * 500


async def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    path.parent.mkdir()
    execute(path, "CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    assert "database of another program" in await refusal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("version", "age"), [(0, "an older"), (3, "a newer"), (99, "a newer")])
async def test_a_format_of_another_version_names_the_remedy(
    path: Path, version: int, age: str
) -> None:
    await stored(path, created())
    execute(path, f"PRAGMA user_version = {version}")
    message = await refusal(path)
    assert f"written by {age} voicecall (format {version}" in message
    assert "install that version, or move the file away" in message


async def test_a_damaged_file_is_reported_with_its_remedy(path: Path) -> None:
    await stored(path, created(), *(digits(number, "5" * 900) for number in range(2, 60)))
    whole = path.read_bytes()
    page = 4096
    path.write_bytes(whole[: 2 * page] + os.urandom(len(whole) - 2 * page))
    with pytest.raises(StoreError, match="it is damaged: stop the gateway, then restore a backup"):
        async with open_sqlite_store(path) as store:
            await store.events(A)


async def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    await stored(path, created())


def test_every_commit_is_synced_before_it_counts(path: Path) -> None:
    connection = open_writer(path)
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        full = 2  # https://sqlite.org/pragma.html#pragma_synchronous
        assert connection.execute("PRAGMA synchronous").fetchone() == (full,)
    finally:
        connection.close()


async def test_appends_that_wait_together_share_a_commit(path: Path) -> None:
    async with open_sqlite_store(path) as store:
        await store.append([created()])
        before = commits_in_log(path)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            for index in range(100):
                tasks.start_soon(store.append, [created(CallId(f"call-{index}"))])
            await wait_all_tasks_blocked()
            other.execute("ROLLBACK")
            other.close()
        assert 1 <= commits_in_log(path) - before <= 2
        assert len(await store.recent(200)) == 101


async def test_reading_goes_on_while_a_write_waits(path: Path) -> None:
    async with open_sqlite_store(path) as store:
        await store.append([created()])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.append, [digits(2)])
            await wait_all_tasks_blocked()
            with anyio.fail_after(4):
                assert await store.events(A) == [created()]
            other.execute("ROLLBACK")
            other.close()
        assert await store.events(A) == [created(), digits(2)]


async def test_closing_writes_what_still_waits(path: Path) -> None:
    async with anyio.create_task_group() as tasks, open_sqlite_store(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for index in range(50):
            tasks.start_soon(store.append, [created(CallId(f"call-{index}"))])
        await wait_all_tasks_blocked()
        other.execute("ROLLBACK")
        other.close()
    async with open_sqlite_store(path) as store:
        assert len(await store.recent(100)) == 50


async def test_an_error_inside_leaves_as_it_is_and_closes_the_store(path: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with open_sqlite_store(path) as store:
            await store.append([created()])
            raise KeyError("mine")
    assert sorted(file.name for file in path.parent.iterdir()) == ["calls.db"]


async def test_a_cancelled_owner_still_closes_the_store(path: Path) -> None:
    with anyio.CancelScope() as scope:
        async with open_sqlite_store(path) as store:
            await store.append([created()])
            scope.cancel()
            await checkpoint()
    assert sorted(file.name for file in path.parent.iterdir()) == ["calls.db"]


FILL_THE_DISK = """
import os, resource, sys
from pathlib import Path
import anyio
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.errors import StoreError
from voicecall.model.call_events import DigitsReceived

def limit(size):
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

async def main(path):
    async with open_sqlite_store(path) as store:
        limit(os.stat(f"{path}-wal").st_size + 40_000)
        (events,) = await store.live()
        number = len(events)
        try:
            while number < 1000:
                number += 1
                await store.append([DigitsReceived(
                    call_id=events[0].call_id, number=number, at=1.0, digits="5" * 3000)])
        except StoreError as error:
            print("refused", number, error, flush=True)
        assert len(await store.events(events[0].call_id)) == number - 1
        limit(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        await store.append([DigitsReceived(
            call_id=events[0].call_id, number=number, at=1.0, digits="9")])
        print("again", number, flush=True)

anyio.run(main, Path(sys.argv[1]))
"""


async def test_a_full_disk_refuses_new_events_and_needs_no_repair(path: Path) -> None:
    await stored(path, created())
    done = await anyio.run_process([sys.executable, "-c", FILL_THE_DISK, str(path)])
    refused, again = done.stdout.decode().splitlines()
    assert "new calls are refused until there is room" in refused
    number = int(refused.split()[1])
    assert 2 < number < 1000
    assert again == f"again {number}"
    async with open_sqlite_store(path) as store:
        events = await store.events(A)
    assert [event.number for event in events] == list(range(1, number + 1))
    assert events[-1] == DigitsReceived(call_id=A, number=number, at=1.0, digits="9")
    assert execute(path, "PRAGMA integrity_check") == [("ok",)]


APPEND_FOR_EVER = """
import os, sys
from pathlib import Path
import anyio
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.model.call import CallMode, Direction
from voicecall.model.call_events import CallCreated, DigitsReceived
from voicecall.model.ids import new_call_id

async def one_call(store):
    call = new_call_id()
    event = CallCreated(call_id=call, number=1, at=1.0, provider="mock", mode=CallMode.NOTIFY,
        direction=Direction.INBOUND, from_number=None, to_number=None)
    while True:
        await store.append([event])
        os.write(1, f"{call} {event.number}\\n".encode())
        event = DigitsReceived(call_id=call, number=event.number + 1, at=2.0, digits="5" * 200)

async def main(path):
    async with open_sqlite_store(path) as store, anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(one_call, store)

anyio.run(main, Path(sys.argv[1]))
"""


def acknowledged_before_death(path: Path, lines_to_wait_for: int) -> Counter[str]:
    """The last number that each call of a killed process had acknowledged."""
    command = [sys.executable, "-c", APPEND_FOR_EVER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(lines_to_wait_for)]
        process.kill()
        lines += process.stdout.readlines()
    last: Counter[str] = Counter()
    for line in lines:
        if line.endswith("\n"):
            call_id, number = line.split()
            last[call_id] = max(last[call_id], int(number))
    return last


async def test_what_was_acknowledged_survives_kill_minus_nine(path: Path) -> None:
    moments = random.Random(20)
    acknowledged: Counter[str] = Counter()
    for _ in range(KILL_ROUNDS):
        lines = moments.randrange(1, 800)
        acknowledged |= await anyio.to_thread.run_sync(acknowledged_before_death, path, lines)
        async with open_sqlite_store(path) as store:
            found = {events[0].call_id: events for events in await store.live()}
        assert execute(path, "PRAGMA integrity_check") == [("ok",)]
        for call_id, number in acknowledged.items():
            numbers = [event.number for event in found[CallId(call_id)]]
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= number
    assert sum(acknowledged.values()) > KILL_ROUNDS


async def test_a_file_of_the_format_before_is_brought_up_to_date_and_keeps_its_calls(
    path: Path,
) -> None:
    await stored(path, created())
    execute(path, "DROP TABLE numbers")
    execute(path, "DROP INDEX calls_by_start")
    execute(path, "PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="'voicecall serve' brings it up to date"):
        async with reading_sqlite_store(path):
            pass
    async with open_sqlite_store(path) as store:
        assert await store.events(A) == [created()]
        await store.keep_number(NumberList.PAIRED, ListedNumber(number="+15550001111", at=1.0))
    async with reading_sqlite_store(path) as lookup:
        assert [entry.number for entry in await lookup.numbers(NumberList.PAIRED)] == [
            "+15550001111"
        ]
