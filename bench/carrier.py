"""Who is at the other end of the calls? A carrier that costs little, with callees who never pause.

It speaks the simulated network's wire format, takes every order, has it answered at once, and
notes when which of our frames arrived.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle

import anyio
import httpx
import msgspec
import numpy as np
from anyio.abc import TaskGroup
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from voicecall.media.g711 import mulaw_encode
from voicecall.sdk import OpenStream
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_mock import documents
from voicecall_mock.media import Connected, Media, Start, write_frame
from voicecall_mock.orders import CallView, PlaceOrder
from voicecall_mock.testing import STREAM_ID, MockHarness
from voicecall_mock.webhooks import SIGNATURE_HEADER, Report, sign
from voicecall_tts_tones.wave import units

FRAME_SECONDS = 0.02
SENTENCE = "I would like to move my appointment from Monday to Thursday. "
PAUSE_FRAMES = 50


def speech() -> list[str]:
    """A sentence and a pause as media frames."""
    pcm = np.frombuffer(b"".join(units(SENTENCE, 1)), "<i2")
    said = mulaw_encode(pcm)
    payloads = [said[at : at + 160].ljust(160, b"\xff") for at in range(0, len(said), 160)]
    payloads += [b"\xff" * 160] * PAUSE_FRAMES
    return [write_frame(Media(stream_id=STREAM_ID, payload=payload)) for payload in payloads]


@dataclass
class Leg:
    """One call at the carrier; all times in seconds of `time.perf_counter`."""

    answered_at: float = 0.0
    arrivals: list[float] = field(default_factory=list)
    speaking: anyio.Event = field(default_factory=anyio.Event)
    over: anyio.Event = field(default_factory=anyio.Event)

    def note(self, frame: str | bytes) -> bool:
        """Take a frame of ours; whether it was a mark, which is to be sent back."""
        if b'"event":"mark"' in (frame if isinstance(frame, bytes) else frame.encode()):
            return True
        self.arrivals.append(time.perf_counter())
        self.speaking.set()
        return False

    def lateness(self, since: float, until: float) -> list[float]:
        """How late each frame of a period came on a clock that ticks every 20 ms exactly."""
        times = [at for at in self.arrivals if since <= at < until]
        offsets = [at - number * FRAME_SECONDS for number, at in enumerate(times)]
        return [offset - min(offsets) for offset in offsets]


class Carrier:
    """The REST API, the webhooks and the media streams.

    Args:
        client: posts webhooks.
        tasks: where calls live.
    """

    def __init__(self, client: httpx.AsyncClient, tasks: TaskGroup) -> None:
        self.harness = MockHarness()
        self.legs: list[Leg] = []
        self._client = client
        self._tasks = tasks
        self._frames = speech()
        self.talk: Callable[[ClientConnection, Leg], Awaitable[None]] = self._speak_without_end
        """What every callee does from now on."""

    def answer(self, request: RestRequest) -> RestAnswer:
        """One request of the gateway."""
        answer = self.harness.answer(request)
        if (request.method, request.path) == ("POST", "/v1/calls"):
            order = msgspec.json.decode(request.body, type=PlaceOrder)
            call = msgspec.json.decode(answer.body, type=CallView)
            self.legs.append(Leg())
            self._tasks.start_soon(self._live, self.legs[-1], order.callback_url, call.id)
        return answer

    async def _live(self, leg: Leg, url: str, call_id: str) -> None:
        leg.answered_at = time.perf_counter()
        document = await self._post(url, call_id)
        (opening,) = (each for each in documents.read(document) if isinstance(each, OpenStream))
        async with connect(opening.url, compression=None, ping_interval=None) as socket:
            await socket.send(write_frame(Connected()))
            await socket.send(write_frame(Start(stream_id=STREAM_ID, call_id=call_id)))
            await self.talk(socket, leg)

    async def _speak_without_end(self, socket: ClientConnection, leg: Leg) -> None:
        await converse(socket, self._frames, leg)

    async def _post(self, url: str, call_id: str) -> bytes:
        report = Report(
            delivery_id=f"DE-{call_id}",
            event_id=f"EV-{call_id}",
            kind="call.answered",
            call_id=call_id,
            occurred_at=time.time(),
            wants_instructions=True,
        )
        body, at = msgspec.json.encode(report), int(time.time())
        signature = sign(key=self.harness.key, at=at, method="POST", url=url, body=body)
        headers = {SIGNATURE_HEADER: signature, "content-type": "application/json"}
        answer = await self._client.post(url, content=body, headers=headers)
        return answer.raise_for_status().content


async def converse(socket: ClientConnection, frames: list[str], leg: Leg) -> None:
    """Speak without end and listen, each on its own; until the socket closes."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_speak, socket, frames)
        with suppress(ConnectionClosed):
            async for frame in socket:
                if leg.note(frame):
                    await socket.send(frame)
        tasks.cancel_scope.cancel()


async def _speak(socket: ClientConnection, frames: list[str]) -> None:
    due = anyio.current_time()
    with suppress(ConnectionClosed):
        for frame in cycle(frames):
            await anyio.sleep(max(0.0, due - anyio.current_time()))
            due += FRAME_SECONDS
            await socket.send(frame)
