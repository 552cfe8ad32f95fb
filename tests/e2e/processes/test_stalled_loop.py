"""Is a stall of our event loop heard? Not while it is shorter than what plays ahead."""

from __future__ import annotations

import heapq
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from voicecall_mock import documents
from voicecall_mock.media import Mark, Media, Start, read_gateway_frame, write_frame
from voicecall_mock.orders import read_address

STALL_SECONDS = 0.2
MARGIN_SECONDS = 0.06
"""A machine that stalls by so much on its own says nothing about us; then it is tried again."""
TRIES = 8
RINGS = "+15550003333"
CHANGES = {
    "ringTimeoutMs": 3_600_000,
    "mock": {"timeScale": 1, "phones": {RINGS: {"answerAfterMs": 3_600_000}}},
}
MESSAGE = "A message that is long enough to be stalled in the middle of it, and again."


@dataclass
class Ear:
    """A phone with a clock, a thread and a jitter buffer of its own."""

    url: str
    carrier_id: str
    underruns: int = 0
    frames: int = 0
    heard_until: float = 0.0
    marks: list[tuple[float, str]] = field(default_factory=list)
    listening: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        with connect(self.url) as socket:
            socket.send(write_frame(Start(stream_id="S1", call_id=self.carrier_id)))
            while True:
                while self.marks and self.marks[0][0] <= time.monotonic():
                    name = heapq.heappop(self.marks)[1]
                    socket.send(write_frame(Mark(stream_id="S1", name=name)))
                try:
                    self.take(read_gateway_frame(socket.recv(timeout=0.005)))
                except TimeoutError:
                    continue
                except ConnectionClosed:
                    return

    def take(self, frame: Any) -> None:
        now = time.monotonic()
        match frame:
            case Media(payload=payload):
                if self.frames and now > self.heard_until:
                    self.underruns += 1
                self.heard_until = max(now, self.heard_until) + len(payload) / 8000
                self.frames += 1
                self.listening.set()
            case Mark(name=name):
                heapq.heappush(self.marks, (self.heard_until, name))


@dataclass
class Pulse:
    """How long the event loop stood still at most."""

    longest: float = 0.0

    async def run(self) -> None:
        while True:
            before = time.monotonic()
            await anyio.sleep(0.005)
            self.longest = max(self.longest, time.monotonic() - before)


async def offered(gateway: Any, webhook: Any) -> Ear:
    """The phone of a call that waits for its stream."""
    call_id = await gateway.call(MESSAGE, to=RINGS)
    carrier_id = (await gateway.service.find(call_id)).carrier_ids[0]
    network, public = read_address(gateway.state_dir), gateway.running.public.url
    letter = webhook(network, public, "call.answered", carrier_id, wants_instructions=True)
    async with httpx.AsyncClient(trust_env=False) as client:
        (stream,) = documents.read((await client.post(**letter)).content)
    return Ear(stream.url, carrier_id)


async def stalled(gateway: Any, webhook: Any) -> tuple[Ear, Pulse]:
    """One message, during which the loop is blocked twice."""
    ear, pulse = await offered(gateway, webhook), Pulse()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.to_thread.run_sync, ear.run)
        await anyio.to_thread.run_sync(ear.listening.wait, 20)
        tasks.start_soon(pulse.run)
        for _ in range(2):
            await anyio.sleep(0.8)
            time.sleep(STALL_SECONDS)  # nothing of ours runs meanwhile
        await anyio.sleep(0.3)
        found = Ear("", "", underruns=ear.underruns, frames=ear.frames)
        await gateway.service.end((await gateway.service.find(ear.carrier_id)).call_id)
        tasks.cancel_scope.cancel()
    return found, pulse


@pytest.mark.anyio
async def test_a_loop_that_stalls_for_200_ms_is_not_heard(start: Any, webhook: Any) -> None:
    async with start(CHANGES, patience=120) as gateway:
        for _ in range(TRIES):
            ear, pulse = await stalled(gateway, webhook)
            if pulse.longest < STALL_SECONDS + MARGIN_SECONDS:
                break
        else:
            pytest.fail(f"this machine stalls for {pulse.longest:.2f} s by itself; try a quiet one")
        assert pulse.longest >= STALL_SECONDS
        assert ear.frames > 75
        assert ear.underruns == 0
