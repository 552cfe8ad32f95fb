"""How long do we take ourselves? Beside pipecat and a bare echo, with ears and voice for free.

::

    python -m bench.turns_bench [--turns 8]

Every server gets the same calls over WebSockets on this machine, with stubs at its edges that know
at once what was said and have ready what is to be said: what is measured is the framework between
them. Times are taken at the caller's end, from sending the frame that decides to receiving the
first one that it brings about. The echo answers the deciding frame itself: no server can be under
that. pipecat is installed into an environment of its own below `build/`; where that fails, the
bench says so and goes on without.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect

from bench.caller import Caller, Times
from bench.carrier import Carrier, Leg
from bench.our_peer import GREETING
from bench.processes import ROOT, Process, process
from voicecall.config.state import read_address
from voicecall_conformance.vendor import serving
from voicecall_mock.media import Media, write_frame
from voicecall_mock.testing import STREAM_ID

GREETED_AT_ONCE = (1, 10, 50)
ANSWERED_AT_ONCE = (1, 20)
PIPECAT = ROOT / "build" / "bench-pipecat"

Ring = Callable[[int, int, Times], Awaitable[None]]
"""``ring(calls, turns, times)``: so many calls at once, each with so many turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is measured."""

    name: str
    running: Process
    ring: Ring


def twilio_media(payload: bytes) -> str:
    """A media frame as Twilio sends it."""
    encoded = msgspec.json.encode(payload).decode().strip('"')
    return json.dumps({"event": "media", "streamSid": "MZ1", "media": {"payload": encoded}})


def our_media(payload: bytes) -> str:
    """A media frame of the simulated network."""
    return write_frame(Media(stream_id=STREAM_ID, payload=payload))


@asynccontextmanager
async def peer(name: str, *command: str, python: str = sys.executable) -> AsyncIterator[Server]:
    """A server that is called at the URL which it prints."""
    with process(*command, python=python) as running:
        url = await anyio.to_thread.run_sync(running.line)

        async def call(turns: int, times: Times) -> None:
            async with connect(url, compression=None, ping_interval=None) as socket:
                await socket.send(json.dumps({"event": "connected"}))
                start = {"streamSid": "MZ1", "callSid": "CA1"}
                await socket.send(json.dumps({"event": "start", "start": start}))
                await Caller(socket, twilio_media, times).run(turns, echo=name == "bare echo")

        async def ring(calls: int, turns: int, times: Times) -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(calls):
                    tasks.start_soon(call, turns, times)

        yield Server(name=name, running=running, ring=ring)


@asynccontextmanager
async def ours() -> AsyncIterator[Server]:
    """Our gateway, called by the simulated network's wire format."""
    with tempfile.TemporaryDirectory() as folder:
        state, file = Path(folder) / "state", Path(folder) / "voicecall.json5"
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
            anyio.create_task_group() as tasks,
        ):
            carrier = Carrier(client, tasks)
            async with serving(carrier.answer) as url:
                file.write_text(json.dumps(config(carrier, url)))
                with process("-m", "bench.our_peer", str(file), str(state)) as running:
                    await anyio.to_thread.run_sync(running.line)
                    address = read_address(state)
                    assert address is not None
                    client.base_url = httpx.URL(address.url)
                    client.headers["authorization"] = f"Bearer {address.token}"
                    ring = partial(dialled, client, carrier)
                    yield Server(name="voicecall", running=running, ring=ring)
                tasks.cancel_scope.cancel()


async def dialled(
    client: httpx.AsyncClient, carrier: Carrier, calls: int, turns: int, times: Times
) -> None:
    """Have the gateway dial, be answered, and hang up at the end."""

    async def talk(socket: ClientConnection, leg: Leg) -> None:
        await Caller(socket, our_media, times).run(turns)
        leg.over.set()

    ids: list[str] = []

    async def dial(number: int) -> None:
        order = {"to": f"+1555{number:07d}", "message": GREETING}
        answer = await client.post("/rpc/voicecall.initiate", json=order)
        ids.append(answer.raise_for_status().json()["callId"])

    carrier.talk = talk
    first = len(carrier.legs)
    async with anyio.create_task_group() as dialling:
        for number in range(first, first + calls):
            dialling.start_soon(dial, number)
    while sum(leg.over.is_set() for leg in carrier.legs[first:]) < calls:
        await anyio.sleep(0.02)
    for call_id in ids:
        await client.post("/rpc/voicecall.end", json={"callId": call_id})


def config(carrier: Carrier, url: str) -> dict[str, object]:
    """A gateway that answers every turn at once and lets nothing keep it from stopping."""
    guard = {"callsPerSecond": 1000, "maxCallsPerHour": 100_000, "maxCallsPerDay": 100_000}
    return {
        "provider": "mock",
        "maxConcurrentCalls": 100,
        "serve": {"port": 0},
        "gateway": {"port": 0, "drainTimeoutSeconds": 0},
        "outbound": {"defaultMode": "conversation", "guard": guard},
        "streaming": {
            "enabled": True,
            "provider": "tones",
            "maxPendingConnectionsPerIp": 100,
            "maxPendingConnections": 100,
        },
        "tts": {"provider": "tones"},
        "turns": {"echoGate": False},
        "responder": "scripted",
        "responders": {"scripted": {"lines": ["It goes on and on."], "afterwards": "repeat"}},
        "mock": carrier.harness.config(url),
    }


def pipecat() -> AbstractAsyncContextManager[Server] | None:
    """pipecat in its own environment, made the first time; None where it cannot be had."""
    python = PIPECAT / "bin" / "python"
    if not (PIPECAT / "ready").exists():
        commands = (
            [sys.executable, "-m", "venv", "--clear", str(PIPECAT)],
            [str(python), "-m", "pip", "install", "--quiet", "pipecat-ai[websocket]", "uvicorn"],
        )
        if any(subprocess.run(command).returncode for command in commands):
            return None
        (PIPECAT / "ready").touch()
    return peer("pipecat", str(ROOT / "bench" / "peers" / "pipecat_peer.py"), python=str(python))


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


async def measured(opening: AbstractAsyncContextManager[Server], turns: int) -> None:
    """Print what one server took."""
    async with opening as server:
        await server.ring(1, 2, Times())  # warm
        print(server.name)
        if server.name != "bare echo":
            for calls in GREETED_AT_ONCE:
                times = Times()
                await server.ring(calls, 0, times)
                show(f"start -> greeting, {calls} at once", times.greeting)
        for calls in ANSWERED_AT_ONCE:
            times = Times()
            memory, used = server.running.resident_bytes, server.running.cpu_seconds
            began = anyio.current_time()
            await server.ring(calls, turns, times)
            seconds = calls * (anyio.current_time() - began)
            used = server.running.cpu_seconds - used
            show(f"end of speech -> frame, {calls} at once", times.answer)
            show(f"speech -> clear, {calls} at once", times.clear)
            cost = f"CPU a call-second, {calls} at once"
            print(f"  {cost:<36} {1000 * used / seconds:8.1f} ms")
            if calls > 1:
                grown = (server.running.resident_bytes - memory) / calls / 1024
                print(f"  {'memory a call, not given back':<36} {grown:8.0f} KiB")


def show(name: str, values: Sequence[float]) -> None:
    """One line, or none when nothing was measured."""
    if values:
        spread = f"p50 {percentile(values, 50):8.1f} ms   p99 {percentile(values, 99):8.1f} ms"
        print(f"  {name:<36} {spread}   n {len(values)}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()
    servers = [peer("bare echo", "-m", "bench.echo"), ours(), pipecat()]
    for server in servers:
        if server is None:
            print("pipecat could not be installed here; not measured")
        else:
            anyio.run(measured, server, options.turns)


if __name__ == "__main__":
    main()
