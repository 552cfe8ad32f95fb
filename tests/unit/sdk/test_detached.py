"""Is a program that may outlive us noted, found again by its tag, told from others and ended?"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL

import anyio
import pytest

from voicecall.errors import ExposureError
from voicecall.sdk import Marker, detached
from voicecall.sdk.detached import DetachedProcess
from voicecall.sdk.processes import TAG, Running, tagged

pytestmark = pytest.mark.anyio

DEADLINE = 20.0
PROGRAM = "import sys, time; print('on stdout', flush=True); print('no', file=sys.stderr); "
CALL = (sys.executable, "-I", "-S", "-c", f"{PROGRAM} time.sleep(60)")


class Programs:
    """Objects for one marker, as several processes of ours would have them."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.marker = Marker(state_dir, "acme")

    def one(self) -> DetachedProcess:
        return DetachedProcess(self.state_dir, "acme", what="an acme agent", files=("yml",))

    def started(self, *, by_hand: bool = False, call: tuple[str, ...] = CALL) -> DetachedProcess:
        one = self.one()
        one.start(
            call,
            {},
            purpose="try",
            by_hand=by_hand,
            remedy="install it",
            files={"yml": "a: secret"},
        )
        return one

    def files(self) -> list[str]:
        return sorted(path.name for path in (self.state_dir / "exposures").iterdir())


@pytest.fixture
async def programs(tmp_path: Path) -> AsyncIterator[Programs]:
    there = Programs(tmp_path)
    with anyio.fail_after(DEADLINE):
        yield there
        noted = there.marker.read() or {}
        there.marker.write(
            {name: noted[name] for name in ("tag", "pid", "created") if name in noted}
        )
        await there.one().clear()


async def test_it_runs_with_private_files_and_nothing_is_left(programs: Programs) -> None:
    one = programs.started()
    running = await one.find()
    assert running is not None and one.is_alive
    assert os.getsid(running.pid) == running.pid
    assert programs.files() == ["acme.json", "acme.log", "acme.yml"]
    for name in programs.files():
        path = programs.state_dir / "exposures" / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert one.path("yml").read_text() == "a: secret"
    assert await one.clear()
    assert not one.is_alive and not running.is_alive
    assert programs.files() == []
    assert not await one.clear()


async def test_all_that_it_says_is_read_until_it_is_too_much(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = programs.started()
    while await one.said() != "on stdout\nno\n":
        await anyio.sleep(0.01)
    await one.shorten_log()
    assert await one.said()
    monkeypatch.setattr(detached, "LONGEST_LOG", 3)
    await one.shorten_log()
    assert await one.said() == ""
    assert one.is_alive


@pytest.mark.parametrize("lost", [("pid", "created"), ("created",), ()])
async def test_it_is_found_again_with_or_without_its_id(
    programs: Programs, lost: tuple[str, ...]
) -> None:
    found = await programs.started(by_hand=True).find()
    noted = programs.marker.read() or {}
    programs.marker.write({name: noted[name] for name in noted if name not in lost})
    later = programs.one()
    assert await later.find() == found
    assert await later.adopt("try")
    assert later.is_alive
    assert not await programs.one().adopt("another purpose")


@pytest.mark.parametrize("change", [{"tag": "another"}, {"tag": None}, {"tag": "x", "created": 1}])
async def test_a_process_without_the_tag_is_a_stranger(
    programs: Programs, change: dict[str, object]
) -> None:
    one = programs.started(by_hand=True)
    noted = programs.marker.read() or {}
    programs.marker.write({**noted, **change})
    assert await programs.one().find() is None
    assert await programs.one().clear()
    assert one.is_alive
    programs.marker.write(noted)


async def test_a_living_owner_keeps_it(programs: Programs) -> None:
    one = programs.started()
    noted = programs.marker.read() or {}
    parent = Running.of(os.getppid())
    programs.marker.write({**noted, "owner": parent.pid, "owner_created": parent.created})
    assert one.is_owned
    with pytest.raises(ExposureError, match=f"process {parent.pid} has an acme agent open"):
        await programs.one().clear()
    assert one.is_alive
    assert programs.files() == ["acme.json", "acme.log", "acme.yml"]
    programs.marker.write({**noted, "owner": parent.pid, "owner_created": 1.0})
    assert not one.is_owned
    assert await programs.one().clear()


async def test_what_cannot_be_executed_says_what_to_do(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(ExposureError, match="cannot be executed.*install it"):
        programs.started(call=(str(tmp_path / "nowhere"),))
    assert await programs.one().clear()
    assert programs.files() == []


async def test_what_is_learned_later_is_noted_too(programs: Programs) -> None:
    one = programs.started()
    one.note(url="https://acme.example")
    assert one.noted["url"] == "https://acme.example"
    assert await one.find() is not None


async def test_a_process_that_has_the_id_of_an_older_one_is_a_stranger() -> None:
    us = Running.of(os.getpid())
    assert us.is_alive
    assert not replace(us, created=us.created - 60.0).is_alive
    assert tagged("a tag that nobody has") is None


async def test_a_process_that_has_just_begun_is_not_taken_for_ours() -> None:
    for _ in range(10):
        with subprocess.Popen(CALL, env={TAG: "another"}, stdout=DEVNULL, stderr=DEVNULL) as other:
            try:
                assert not await Running.of(other.pid).has_tag("ours")
                assert await Running.of(other.pid).has_tag("another")
            finally:
                other.kill()
