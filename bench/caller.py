"""How long does a server take? Seen from the caller's end of a media stream."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio
from websockets.asyncio.client import ClientConnection

from bench.signals import END, SILENCE, SPEECH

FRAME_SECONDS = 0.02
QUIET_SECONDS = 0.3
"""So long nothing may come before the next turn begins."""
TALK_SECONDS = 0.5
"""So long an answer is listened to before it is interrupted."""
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Times:
    """What calls took, in milliseconds, one value a happening."""

    greeting: list[float] = field(default_factory=list)
    answer: list[float] = field(default_factory=list)
    clear: list[float] = field(default_factory=list)


class Caller:
    """One call: sends 50 frames a second, and notes when what came.

    Args:
        socket: the stream, directly after its start frame was sent.
        wire: makes a media frame of a payload.
        times: takes what was measured.
    """

    def __init__(
        self, socket: ClientConnection, wire: Callable[[bytes], str], times: Times
    ) -> None:
        self._socket = socket
        self._wire = wire
        self._times = times
        self._decided = self._last_audio = time.perf_counter()
        self._audio, self._clear = _Arrival(), _Arrival()

    async def run(self, turns: int, *, echo: bool = False) -> None:
        """Be greeted, then have `turns` turns, each answer interrupted in its middle.

        An echo neither greets nor can be interrupted.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._be_silent)
            tasks.start_soon(self._listen)
            if not echo:
                self._times.greeting.append(await self._wait(self._audio))
            for _ in range(turns):
                await self._quiet()
                self._audio = _Arrival()
                await self._send(END)
                self._times.answer.append(await self._wait(self._audio))
                if not echo:
                    await anyio.sleep(TALK_SECONDS)
                    self._clear = _Arrival()
                    await self._send(SPEECH)
                    self._times.clear.append(await self._wait(self._clear))
            tasks.cancel_scope.cancel()

    async def _send(self, signal: bytes) -> None:
        self._decided = time.perf_counter()
        await self._socket.send(self._wire(signal))

    async def _wait(self, arrival: _Arrival) -> float:
        with anyio.fail_after(PATIENCE_SECONDS):
            await arrival.event.wait()
        return 1000 * (arrival.at - self._decided)

    async def _quiet(self) -> None:
        while time.perf_counter() - self._last_audio < QUIET_SECONDS:
            await anyio.sleep(FRAME_SECONDS)

    async def _be_silent(self) -> None:
        due = anyio.current_time()
        while True:
            await anyio.sleep(max(0.0, due - anyio.current_time()))
            due += FRAME_SECONDS
            await self._socket.send(self._wire(SILENCE))

    async def _listen(self) -> None:
        async for text in self._socket:
            frame = json.loads(text)
            if frame["event"] == "mark":
                await self._socket.send(text)
            elif frame["event"] == "clear":
                self._clear.note()
            elif frame["event"] == "media" and _is_audible(frame):
                self._last_audio = time.perf_counter()
                self._audio.note()


class _Arrival:
    def __init__(self) -> None:
        self.event = anyio.Event()
        self.at = 0.0

    def note(self) -> None:
        if not self.event.is_set():
            self.at = time.perf_counter()
            self.event.set()


def _is_audible(frame: dict[str, Any]) -> bool:
    payload: str = frame["media"]["payload"] if "media" in frame else frame["payload"]
    return bool(base64.b64decode(payload).strip(b"\xff"))
