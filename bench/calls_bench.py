"""What does a call cost? Many at once, both sides speaking, beside a bare echo of their frames.

::

    python -m bench.calls_bench [--calls 20] [--seconds 10]

The gateway, the echo and the carrier are processes of their own; CPU and memory are the
gateway's alone. Both sides speak all the time and over each other, which is the most that a call
can cost: in a conversation one of them is silent. The echo is what any program pays that takes
in and sends out such frames over WebSockets; the same carrier calls it first.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
from websockets.asyncio.client import connect

from bench.carrier import Carrier, Leg, converse, speech
from bench.processes import RUN_MAIN, Process, process
from voicecall.config.state import read_address
from voicecall_conformance.vendor import serving

SETTLE_SECONDS = 2.0
"""From when the last call speaks to the begin of the measurement."""
START_SECONDS = 20.0
"""How long it may take until all calls speak, at most."""
CHARACTERS_A_SECOND = 50
"""How fast the tones backend speaks, as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What calls cost a gateway: milliseconds, and bytes."""

    cpu: float
    set_up: float
    first_audio: Sequence[float]
    lateness: Sequence[float]
    frames: float
    memory: float


async def cpu_of(server: Process, seconds: float) -> float:
    """The CPU seconds that `server` uses in each of the next `seconds`."""
    at, used = time.perf_counter(), server.cpu_seconds
    await anyio.sleep(seconds)
    return (server.cpu_seconds - used) / (time.perf_counter() - at)


async def echo_ms(calls: int, seconds: float) -> float:
    """CPU milliseconds that the echo of one stream costs a second."""
    with process("-m", "bench.echo") as echo:
        url, frames = echo.line(), speech()

        async def stream() -> None:
            async with connect(url, compression=None, ping_interval=None) as socket:
                await converse(socket, frames, Leg())

        async with anyio.create_task_group() as streams:
            for _ in range(calls):
                streams.start_soon(stream)
            await anyio.sleep(SETTLE_SECONDS)
            used = await cpu_of(echo, seconds)
            streams.cancel_scope.cancel()
    return 1000 * used / calls


def config(calls: int, carrier: Carrier, url: str) -> dict[str, Any]:
    """A gateway for so many calls."""
    tones = {"provider": "tones"}
    guard = {"callsPerSecond": 100, "maxCallsPerHour": 10_000, "maxCallsPerDay": 10_000}
    return {
        "provider": "mock",
        "maxConcurrentCalls": calls + 1,
        "maxDurationSeconds": 3600,
        "serve": {"port": 0},
        "gateway": {"port": 0, "drainTimeoutSeconds": 0},
        "outbound": {"defaultMode": "conversation", "guard": guard},
        "streaming": {
            "enabled": True,
            "provider": "tones",
            "maxPendingConnectionsPerIp": 32,
            "maxConnections": calls + 1,
        },
        "tts": tones,
        "mock": carrier.harness.config(url),
    }


@asynccontextmanager
async def gateway_of(calls: int) -> AsyncIterator[tuple[Process, Carrier, httpx.AsyncClient]]:
    """A gateway in a process of its own, its carrier, and a client of its RPC."""
    with tempfile.TemporaryDirectory() as folder:
        state, file = Path(folder) / "state", Path(folder) / "voicecall.json5"
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False) as client,
            anyio.create_task_group() as tasks,
        ):
            carrier = Carrier(client, tasks)
            async with serving(carrier.answer) as url:
                file.write_text(json.dumps(config(calls, carrier, url)))
                arguments = ("serve", "--config", str(file), "--state-dir", str(state))
                with process("-c", RUN_MAIN, *arguments) as gateway:
                    await anyio.to_thread.run_sync(gateway.line)
                    address = read_address(state)
                    assert address is not None
                    client.base_url = httpx.URL(address.url)
                    client.headers["authorization"] = f"Bearer {address.token}"
                    yield gateway, carrier, client
                tasks.cancel_scope.cancel()


async def costs_of(calls: int, seconds: float) -> Costs:
    """Set up `calls`, let both sides speak at once for `seconds`, and count."""
    message = "tone " * int((seconds + START_SECONDS) * CHARACTERS_A_SECOND / 5)
    async with gateway_of(calls) as (gateway, carrier, client):

        async def dial(number: int) -> None:
            order = {"to": f"+1555{number:07d}", "message": message}
            answer = await client.post("/rpc/voicecall.initiate", json=order)
            answer.raise_for_status()
            await carrier.legs[number].speaking.wait()

        await dial(0)
        memory, used = gateway.resident_bytes, gateway.cpu_seconds
        with anyio.fail_after(START_SECONDS - SETTLE_SECONDS):
            async with anyio.create_task_group() as dialling:
                for number in range(1, calls + 1):
                    dialling.start_soon(dial, number)
        set_up = gateway.cpu_seconds - used
        await anyio.sleep(SETTLE_SECONDS)
        began = time.perf_counter()
        used = await cpu_of(gateway, seconds)
        ended = time.perf_counter()
        legs = carrier.legs[1:]
        lateness = [late for leg in legs for late in leg.lateness(began, ended)]
        return Costs(
            cpu=1000 * used / (calls + 1),
            set_up=1000 * set_up / calls,
            first_audio=sorted(1000 * (leg.arrivals[0] - leg.answered_at) for leg in legs),
            lateness=sorted(1000 * late for late in lateness),
            frames=len(lateness) / (calls * (ended - began)),
            memory=(gateway.resident_bytes - memory) / calls,
        )


def percentile(ordered: Sequence[float], percent: int) -> float:
    """The value below which `percent` of the values lie."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def report(calls: int, echo: float, costs: Costs) -> None:
    """Print the table."""

    def spread(values: Sequence[float]) -> str:
        return f"p50 {percentile(values, 50):6.1f} ms  p99 {percentile(values, 99):6.1f} ms"

    rows = {
        "CPU a call-second": f"{costs.cpu:6.1f} ms  x{costs.cpu / echo:.1f}",
        "the same, bare echo": f"{echo:6.1f} ms  x1.0",
        "CPU to set up a call": f"{costs.set_up:6.1f} ms",
        "answer to first audio": spread(costs.first_audio),
        "a frame comes late by": f"{spread(costs.lateness)}  max {costs.lateness[-1]:.1f} ms",
        "frames out a second": f"{costs.frames:6.2f} of 50",
        "memory a call": f"{costs.memory / 1024:6.0f} KiB",
    }
    print(f"{calls} calls at once, both sides speaking")
    for name, value in rows.items():
        print(f"{name:<24} {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    echo = anyio.run(echo_ms, options.calls, options.seconds)
    report(options.calls, echo, anyio.run(costs_of, options.calls, options.seconds))


if __name__ == "__main__":
    main()
