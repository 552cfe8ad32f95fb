"""Whole gateways on real sockets, with a simulated network that runs faster than life."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from voicecall.config.loader import load_config
from voicecall.model.call import CallRecord
from voicecall.model.call_events import CallEvent, CallFinished
from voicecall.model.ids import CallId
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.runtime import Running, running
from voicecall.service import CallRequest

BOB = "+15550002222"
TONES = {"provider": "tones"}
BASE: dict[str, Any] = {
    "provider": "mock",
    "toNumber": BOB,
    "maxConcurrentCalls": 20,
    "serve": {"port": 0},
    "gateway": {"port": 0},
    "outbound": {
        "defaultMode": "conversation",
        "notifyHangupDelaySec": 1,
        "guard": {"callsPerSecond": 1000, "maxCallsPerHour": 100_000, "maxCallsPerDay": 100_000},
    },
    "streaming": {"enabled": True, "provider": "tones"},
    "tts": TONES,
    "mock": {"timeScale": 4, "voice": TONES, "ears": TONES},
}


def config_of(changes: dict[str, Any]) -> dict[str, Any]:
    """The base configuration with `changes` merged in; None takes a key away."""
    result: dict[str, Any] = json.loads(json.dumps(BASE))

    def merge(into: dict[str, Any], given: dict[str, Any]) -> None:
        for key, value in given.items():
            if value is None:
                into.pop(key, None)
            elif isinstance(value, dict) and isinstance(into.get(key), dict):
                merge(into[key], value)
            else:
                into[key] = value

    merge(result, changes)
    return result


@dataclass
class Gateway:
    """A running gateway and the network behind it."""

    running: Running
    state_dir: Path

    @property
    def service(self) -> Any:
        """What every door calls."""
        return self.running.service

    @property
    def network_url(self) -> str:
        """Where the simulated network is."""
        address = json.loads((self.state_dir / "mock-network.json").read_bytes())
        return str(address["url"])

    async def call(self, message: str | None = "Hello", to: str = BOB, **values: Any) -> CallId:
        """Place a call."""
        return await self.service.initiate(CallRequest(to_number=to, message=message, **values))

    async def until_over(self, call_id: str) -> CallRecord:
        """The record of a call once it is over."""
        await self.until(call_id, lambda event: isinstance(event, CallFinished))
        record = await self.service.find(call_id)
        assert record is not None
        return record

    async def until(self, call_id: str, wanted: Callable[[CallEvent], bool]) -> CallEvent:
        """The first event of a call, past or future, that is `wanted`."""
        async with self.service.watch(call_id) as events:
            async for event in events:
                if wanted(event):
                    return event
        raise AssertionError("the call ended before that happened")

    async def until_state(self, call_id: str, state: str) -> None:
        """Wait until a call is, or was, in `state`."""
        await self.until(call_id, lambda event: getattr(event, "state", None) == state)

    async def dial_in(self, caller: str, to: str = "+15550001111") -> dict[str, Any]:
        """Somebody calls us; the call as the network sees it when it is over."""
        async with httpx.AsyncClient(base_url=self.network_url, timeout=60) as client:
            order = {"fromNumber": caller, "toNumber": to}
            answer = await client.post("/v1/dial", json=order)
            assert answer.status_code == 201, answer.text
        return await self._followed(answer.json()["id"])

    async def phone_lines(self, call_id: str) -> list[dict[str, Any]]:
        """What was said and done at the phone of a call, once it is over there as well."""
        call = await self._followed(call_id)
        return list(call["lines"])

    async def _followed(self, call_id: str) -> dict[str, Any]:
        async with httpx.AsyncClient(base_url=self.network_url, timeout=60) as client:
            seen: list[dict[str, Any]] = []
            while True:
                answer = await client.get(f"/v1/calls/{call_id}/lines?after={len(seen)}")
                more = answer.json()
                seen += more["lines"]
                if more["over"]:
                    return {"id": call_id, "lines": seen, "cause": more["cause"]}

    async def heard_by_phone(self, call_id: str) -> list[str]:
        """What the phone of an ended call understood of us."""
        lines = await self.phone_lines(call_id)
        return [line["text"] for line in lines if line["kind"] == "heard"]


@pytest.fixture(scope="session", name="config_of")
def config_of_fixture() -> Callable[[dict[str, Any]], dict[str, Any]]:
    """`config_of`, for tests that write configuration files."""
    return config_of


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The installed plugins."""
    return load_plugins(os.environ)


@pytest.fixture
def start(tmp_path: Path, registry: Registry) -> Callable[..., Any]:
    """Starts a gateway: ``async with start(section changes) as gateway``."""

    @asynccontextmanager
    async def starting(
        changes: dict[str, Any] | None = None, *, drain: float = 0, patience: float = 60
    ) -> AsyncIterator[Gateway]:
        path = tmp_path / "voicecall.json5"
        path.write_text(json.dumps(config_of(changes or {})))
        loaded = load_config(path, registry, environ=os.environ)
        state = tmp_path / "state"
        async with running(loaded, state_dir=state, drain_seconds=drain) as gateway:
            with anyio.fail_after(patience):
                yield Gateway(gateway, state)

    return starting
