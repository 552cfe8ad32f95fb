"""Does a gateway prove its public URL, follow it when it drifts, and say what it knows?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.abc import SocketAttribute, SocketStream, TaskGroup

from voicecall import reachability
from voicecall.config.loader import load_config
from voicecall.errors import ConfigError, ExposureError
from voicecall.model.call import CallMode
from voicecall.plugins.registry import Registry
from voicecall.runtime import Running, running
from voicecall.sdk import ExposureContext, ExposureSpec, PublicEndpoint, Section
from voicecall.service import CallRequest

pytestmark = pytest.mark.anyio

BOB = "+15550002222"


class Tunnel(PublicEndpoint):
    """Forwards from a port of its own to the listener; the test opens another, or cuts."""

    def __init__(self, context: ExposureContext, tasks: TaskGroup) -> None:
        self._context = context
        self._tasks = tasks
        self._serving = anyio.CancelScope()
        self.port = 0

    async def open_port(self) -> None:
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

        self._serving.cancel()
        self._serving = scope = anyio.CancelScope()

        async def serve() -> None:
            with scope:
                async with listener:
                    await listener.serve(self._forward)

        self._tasks.start_soon(serve)
        self.port = listener.extra(SocketAttribute.local_port)

    async def _forward(self, client: SocketStream) -> None:
        async with client, await anyio.connect_tcp("127.0.0.1", self._context.port) as server:

            async def pass_on(source: SocketStream, sink: SocketStream) -> None:
                try:
                    while True:
                        await sink.send(await source.receive())
                except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await sink.aclose()

            async with anyio.create_task_group() as both:
                both.start_soon(pass_on, client, server)
                both.start_soon(pass_on, server, client)

    @property
    def webhook_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._context.webhook_path}"

    @property
    def stream_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self._context.stream_path}"


class Tunnels:
    """An exposure plugin, and the tunnel that it opened."""

    tunnel: Tunnel

    def __init__(self) -> None:
        self.deaf = False
        self.spec = ExposureSpec(
            name="acme",
            summary="a tunnel",
            config=Section,
            open=self._open,
            wanted=lambda config: False,
        )

    @asynccontextmanager
    async def _open(self, config: Section, context: ExposureContext) -> AsyncIterator[Tunnel]:
        async with anyio.create_task_group() as tasks:
            self.tunnel = Tunnel(context, tasks)
            await self.tunnel.open_port()
            if self.deaf:
                self.tunnel.port = 9
            yield self.tunnel
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def gateway(
    tunnels: Tunnels, registry: Registry, config_of: Any, directory: Path, check: str
) -> AsyncIterator[Running]:
    path = directory / "voicecall.json5"
    changes = {
        "tunnel": {"provider": "acme"},
        "reachability": {"check": check},
        "inboundPolicy": "allowlist",
        "allowFrom": ["+15559999999"],
    }
    path.write_text(json.dumps(config_of(changes)))
    whole = Registry.of(*registry.all_specs(), tunnels.spec)
    loaded = load_config(path, whole, environ={})
    async with running(loaded, state_dir=directory / "state", drain_seconds=0) as started:
        with anyio.fail_after(30):
            yield started


async def readiness(started: Running) -> tuple[int, dict[str, Any]]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{started.gateway.url}/readyz")
        return answer.status_code, answer.json()


async def until_status(started: Running, wanted: str) -> tuple[int, dict[str, Any]]:
    while True:
        code, told = await readiness(started)
        if told["publicUrl"]["status"] == wanted:
            return code, told


async def test_a_strict_gateway_starts_once_its_url_is_proved_and_follows_it_when_it_drifts(
    registry: Registry, config_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "REFRESH_SECONDS", 0.05)
    tunnels = Tunnels()
    async with gateway(tunnels, registry, config_of, tmp_path, "strict") as started:
        first = tunnels.tunnel.webhook_url
        code, told = await readiness(started)
        assert (code, told["ready"]) == (200, True)
        assert told["publicUrl"] == {"status": "reachable", "url": first}

        await tunnels.tunnel.open_port()
        while started.urls.webhook() == first:
            await anyio.lowlevel.checkpoint()
        code, told = await until_status(started, "reachable")
        assert told["publicUrl"]["url"] == tunnels.tunnel.webhook_url != first
        async with httpx.AsyncClient() as client:
            assert (await client.post(started.urls.webhook())).status_code == 401
            assert (await client.get(f"{started.gateway.url}/metrics")).status_code == 401
        page = await metrics(started, tmp_path)
        assert "voicecall_ready 1.0" in page
        assert 'voicecall_public_url{status="reachable"} 1.0' in page
        assert "voicecall_public_url_changes_total 1.0" in page
        assert "voicecall_public_url_carrier_behind 0.0" in page
        for listener in ("public", "gateway"):
            assert f'http_refused_total{{listener="{listener}",status="401"}} 1.0' in page

        call_id = await started.service.initiate(
            CallRequest(to_number=BOB, message="Hello", mode=CallMode.NOTIFY)
        )
        async with started.service.watch(call_id) as events:
            async for _ in events:
                """Until its end: every webhook came through the tunnel."""
        inbound = await dial_in(tmp_path)
        assert await started.service.find(inbound), "a call that came in by the new URL"

        tunnels.tunnel.port = 9
        code, told = await until_status(started, "unreachable")
        assert (code, told["ready"]) == (503, False)
        assert "nobody answers" in told["publicUrl"]["problem"]
        assert "voicecall_ready 0.0" in await metrics(started, tmp_path)


async def metrics(started: Running, directory: Path) -> str:
    headers = {"authorization": f"Bearer {token(directory)}"}
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{started.gateway.url}/metrics", headers=headers)).text


async def dial_in(directory: Path) -> str:
    """Somebody calls us; the network's id of the call, once it is over."""
    address = json.loads((directory / "state" / "mock-network.json").read_bytes())
    async with httpx.AsyncClient(base_url=str(address["url"]), timeout=60) as client:
        order = {"fromNumber": BOB, "toNumber": "+15550001111"}
        call_id = str((await client.post("/v1/dial", json=order)).json()["id"])
        while not (await client.get(f"/v1/calls/{call_id}/lines?after=0")).json()["over"]:
            """It is kept waiting by the network."""
    return call_id


def token(directory: Path) -> str:
    return (directory / "state" / "gateway.token").read_text().strip()


async def test_a_url_that_leads_nowhere_stops_a_strict_start_and_is_told_of_otherwise(
    registry: Registry, config_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reachability, "FIRST_SECONDS", 0.0)
    tunnels = Tunnels()
    tunnels.deaf = True
    with pytest.raises(ExposureError, match="nobody answers at http://127.0.0.1:9/voice/webhook"):
        async with gateway(tunnels, registry, config_of, tmp_path, "strict"):
            raise AssertionError("it must not start")
    async with gateway(tunnels, registry, config_of, tmp_path, "warn") as started:
        code, told = await until_status(started, "unreachable")
        assert (code, told["ready"]) == (200, True)
    async with gateway(tunnels, registry, config_of, tmp_path, "off") as started:
        _, told = await readiness(started)
        assert told["publicUrl"]["status"] == "unchecked"


async def test_a_private_address_is_refused_for_a_real_carrier_before_anything_is_asked(
    registry: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    section = {
        "provider": "twilio",
        "fromNumber": "+15550001111",
        "publicUrl": "https://192.168.1.7/voice/webhook",
        "twilio": {"accountSid": "AC" + 32 * "0", "authToken": "x" * 32},
        "serve": {"port": 0},
        "gateway": {"port": 0},
    }
    path.write_text(json.dumps(section))
    loaded = load_config(path, registry, environ={})
    with pytest.raises(ConfigError, match=r"https://192\.168\.1\.7\S+ is an address that no"):
        async with running(loaded, state_dir=tmp_path / "state"):
            raise AssertionError("it must not start")
