"""How does a whole gateway use a live double? Started beside it, reached by its public name."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from voicecall.config.loader import load_config
from voicecall.model.call import CallRecord
from voicecall.model.call_events import CallEvent, CallFinished
from voicecall.model.ids import CallId
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.speech import InstalledSpeech
from voicecall.runtime import Running, running
from voicecall.sdk import PluginContext, SystemClock
from voicecall.service import CallRequest, CallService
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.phones.leg import Leg
from voicecall_conformance.phones.network import CarrierNetwork, Surroundings
from voicecall_conformance.phones.poster import Disorder
from voicecall_mock.config import Phone

NUMBER = "+15550001111"
BOB = "+15550002222"
WEBHOOK_URL = "https://voice.example.com/voice/webhook"
TIME_SCALE = 4.0

Network = TypeVar("Network", bound=CarrierNetwork)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a whole call is tried with.

    Args:
        phones: E.164 number → phone, as a configuration of the simulated network has it.
        changes: merged into the gateway's configuration.
        disorder: how badly the carrier delivers its notifications.
        public_url: of the webhook path; the gateway is told of it, and the number points there.
        time_scale: how much faster than life gateway and phones talk.
    """

    phones: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    disorder: Disorder = Disorder()
    public_url: str = WEBHOOK_URL
    time_scale: float = TIME_SCALE


@dataclass
class Gateway:
    """A running gateway and the carrier's double behind it."""

    running: Running
    network: CarrierNetwork

    @property
    def service(self) -> CallService:
        """What every door calls."""
        return self.running.service

    async def call(self, message: str | None = "Hello", to: str = BOB, **values: Any) -> CallId:
        """Place a call."""
        return await self.service.initiate(CallRequest(to_number=to, message=message, **values))

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

    async def until_over(self, call_id: str) -> CallRecord:
        """The record of a call once it is over."""
        await self.until(call_id, lambda event: isinstance(event, CallFinished))
        record = await self.service.find(call_id)
        assert record is not None
        return record

    async def phone(self, record: CallRecord) -> Leg:
        """The phone's side of an ended call, once it is over there as well."""
        leg = next(self.network.legs[each] for each in record.carrier_ids)
        await leg.finished.wait()
        return leg

    async def record_of(self, leg: Leg) -> CallRecord:
        """Our record of a call that began at a phone, once it is over."""
        await leg.finished.wait()
        found = await self.service.find(leg.id)
        assert found is not None, "the gateway does not know the call"
        return await self.until_over(found.call_id)


@asynccontextmanager
async def gateway_on(
    network_type: type[Network], scene: Scene, directory: Path
) -> AsyncIterator[tuple[Gateway, Network]]:
    """A gateway whose carrier is a live double; both end with the block.

    Args:
        directory: for the configuration file and the gateway's state.

    Raises:
        AssertionError: the carrier had something to complain about.
    """
    async with network_on(network_type, scene, directory) as network:
        path = directory / "voicecall.json5"
        path.write_text(json.dumps(configuration(network, scene)))
        loaded = load_config(path, load_plugins(os.environ), environ={})
        async with running(
            loaded, state_dir=directory / "state", drain_seconds=0, time_scale=scene.time_scale
        ) as started:
            network.connect(started.public.host, started.public.port)
            yield Gateway(started, network), network
        assert not network.faults, network.faults


@asynccontextmanager
async def network_on(
    network_type: type[Network], scene: Scene, directory: Path
) -> AsyncIterator[Network]:
    """A live double, not yet connected to a gateway; it ends with the block.

    Args:
        directory: for the state of the speech backends that phones use.
    """
    registry = load_plugins(os.environ)
    clock = SystemClock(scene.time_scale)
    async with httpx.AsyncClient(trust_env=False) as client:
        context = PluginContext(
            http=LoopbackHttp(client),
            clock=clock,
            logger=logging.getLogger("voicecall.network"),
            state_dir=directory,
        )
        around = Surroundings(
            clock=clock,
            speech=InstalledSpeech(registry, lambda name: context),
            number=NUMBER,
            webhook_url=scene.public_url,
            phones={number: Phone.model_validate(each) for number, each in scene.phones.items()},
            disorder=scene.disorder,
        )
        async with network_type.opened(around) as network:
            yield network


def configuration(network: CarrierNetwork, scene: Scene) -> dict[str, Any]:
    """A gateway's configuration for `network`; None in `scene.changes` takes a key away."""
    tones = {"provider": "tones"}
    base: dict[str, Any] = {
        "provider": network.name,
        "fromNumber": NUMBER,
        "toNumber": BOB,
        "publicUrl": scene.public_url,
        "maxConcurrentCalls": 20,
        "serve": {"port": 0},
        "gateway": {"port": 0},
        "outbound": {"defaultMode": "conversation", "notifyHangupDelaySec": 1},
        "streaming": {"enabled": True, "provider": "tones"},
        "tts": tones,
        network.name: dict(network.section()),
    }
    return _merged(base, scene.changes)


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = _merged(result[key], value)
        else:
            result[key] = value
    return result
