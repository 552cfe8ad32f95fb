"""Does a gateway that makes call after call for long stay as small as it was?"""

from __future__ import annotations

import gc
import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from voicecall.calls.conversation import Conversation
from voicecall.calls.live import LiveCall
from voicecall.media.hearing import AudioQueue
from voicecall.media.playback import Playback
from voicecall.media.session import Session
from voicecall.media.turn_taking import TurnTaking
from voicecall.model.call import CallState

pytestmark = [pytest.mark.anyio, pytest.mark.soak]

FULL = os.environ.get("VOICECALL_FULL") == "1"
SECONDS = 600 if FULL else 10
CALLS_AT_ONCE = 50 if FULL else 8
MOST_BYTES_A_CALL = (24 if FULL else 128) * 1024
"""What may stay of a call that is over: the answers to its webhooks for ten minutes, and what
the simulated network, in the same process, remembers for good; 7 KiB were measured. The first
hundred calls also fill the allocator's arenas, so a short run can only find gross waste."""

LISTEN, HANG_UP = {"listen": True, "timeoutMs": 5000}, {"hangUp": True}
TALK = (LISTEN, {"wait": 3000 if FULL else 0}, {"say": "I am Bob"})
STOP = {"interrupt": "stop it", "afterMs": 200, "timeoutMs": 5000}
PHONES: dict[str, dict[str, Any]] = {
    "+15550002001": {"steps": [*TALK, LISTEN, HANG_UP]},
    "+15550002002": {"steps": [*TALK, STOP, LISTEN, HANG_UP]},
    "+15550002003": {"steps": [LISTEN, {"drop": "stream"}, {"wait": 1500}, *TALK[1:], HANG_UP]},
    "+15550002004": {"steps": [LISTEN, {"drop": "network"}]},
    "+15550002005": {"steps": [*TALK, LISTEN, {"press": "7"}, {"wait": 60_000}]},
    "+15550002006": {"outcome": "voicemail"},
    "+15550002007": {"outcome": "busy"},
    "+15550002008": {"outcome": "reject"},
}
WE_HANG_UP, BUSY = "+15550002005", "+15550002007"
CONFIG = {
    "maxConcurrentCalls": CALLS_AT_ONCE,
    "responder": "scripted",
    "responders": {"scripted": {"lines": ["Nice to meet you, Bob."], "afterwards": "repeat"}},
    "mock": {
        "timeScale": 1 if FULL else 2,
        "record": False,
        "phones": {number: {"answerAfterMs": 100, **phone} for number, phone in PHONES.items()},
        "chaos": {"duplicate": 0.3, "reorder": 0.3, "delayMs": 400},
    },
}
OF_A_CALL = (LiveCall, Conversation, Session, Playback, TurnTaking, AudioQueue)


@dataclass
class Samples:
    """Memory by the number of calls that are over."""

    points: list[tuple[int, int]] = field(default_factory=list)

    def take(self, calls: int) -> None:
        """Measure now."""
        with open("/proc/self/statm") as status:
            resident = int(status.read().split()[1])
        self.points.append((calls, resident * os.sysconf("SC_PAGE_SIZE")))

    @property
    def bytes_a_call(self) -> float:
        """The slope of the line through the later half of the points."""
        later = self.points[len(self.points) // 2 :]
        mean_calls = sum(calls for calls, _ in later) / len(later)
        mean_bytes = sum(size for _, size in later) / len(later)
        spread = sum((calls - mean_calls) ** 2 for calls, _ in later)
        common = sum((calls - mean_calls) * (size - mean_bytes) for calls, size in later)
        return common / spread if spread else 0.0

    @property
    def first_and_last(self) -> str:
        """How large we were after the first call, half-way, and after the last."""
        middle = len(self.points) // 2
        sizes = (self.points[at][1] // 2**20 for at in (0, middle, -1))
        return " → ".join(f"{size} MiB" for size in sizes)


class Load:
    """Calls one after the other, on several lines at once."""

    def __init__(self, gateway: Any, network: httpx.AsyncClient) -> None:
        self.ends: Counter[CallState] = Counter()
        self.memory = Samples()
        self._gateway = gateway
        self._network = network

    async def call(self, number: str) -> None:
        """One call from its beginning to its end, also for the network."""
        call_id = await self._gateway.call("Hello, who is there?", to=number)
        if number == WE_HANG_UP:
            await self._gateway.until(call_id, lambda event: getattr(event, "digits", "") == "7")
            await self._gateway.service.end(call_id)
        record = await self._gateway.until_over(call_id)
        self.ends[record.state] += 1
        while not (await self._network.get(f"/v1/calls/{call_id}/lines?after=999")).json()["over"]:
            pass
        self.memory.take(self.ends.total())

    async def all_at_once(self) -> None:
        """Every phone once, so that whatever is opened at its first use is open."""
        async with anyio.create_task_group() as calls:
            for number in PHONES:
                calls.start_soon(self.call, number)

    async def line(self, seed: int, until: float) -> None:
        """Call anybody, again and again."""
        dice = random.Random(seed)
        while anyio.current_time() < until:
            await self.call(dice.choice(list(PHONES)))

    async def settle(self, tasks: int) -> None:
        """Make calls until no more than `tasks` run: connections are let go of in use only."""
        while len(anyio.get_running_tasks()) > tasks:
            await self.call(BUSY)
            await anyio.wait_all_tasks_blocked()


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def kept_of_calls() -> Counter[str]:
    gc.collect()
    return Counter(type(each).__name__ for each in gc.get_objects() if type(each) in OF_A_CALL)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
async def test_acceptance_28_call_after_call_under_chaos_leaves_nothing_behind(start: Any) -> None:
    tasks, files = len(anyio.get_running_tasks()), open_files()
    async with (
        start(CONFIG, patience=SECONDS + 120) as gateway,
        httpx.AsyncClient(base_url=gateway.network_url, timeout=60, trust_env=False) as network,
    ):
        load = Load(gateway, network)
        await load.all_at_once()
        await anyio.wait_all_tasks_blocked()
        idle = len(anyio.get_running_tasks())
        until = anyio.current_time() + SECONDS
        async with anyio.create_task_group() as lines:
            for seed in range(CALLS_AT_ONCE):
                lines.start_soon(load.line, seed, until)
        assert gateway.service.live_calls() == []
        await load.settle(idle)
        kept, left = kept_of_calls(), len(anyio.get_running_tasks()) - idle
        records = await gateway.service.history(load.ends.total() + 1)
        assert Counter(record.state for record in records) == load.ends
    tasks, files = len(anyio.get_running_tasks()) - tasks, open_files() - files
    print(
        f"{load.ends.total()} calls in {SECONDS} s, {CALLS_AT_ONCE} at once: "
        f"{load.memory.bytes_a_call:.0f} bytes a call, resident {load.memory.first_and_last}; "
        f"kept of calls {dict(kept)}, tasks {left:+} (at the end {tasks:+}), files {files:+}"
    )
    assert kept == {}
    assert set(load.ends) == {
        CallState.HANGUP_USER,
        CallState.HANGUP_BOT,
        CallState.FAILED,
        CallState.VOICEMAIL,
        CallState.BUSY,
        CallState.REJECTED,
    }
    assert tasks <= 0 and files <= 0
    assert load.memory.bytes_a_call < MOST_BYTES_A_CALL
