"""Towns in bad weather: a gateway, a carrier's double, and a storm between them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest

from voicecall.config.loader import load_config
from voicecall.model.carrier_events import EndCause, EndedBy
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.speech import InstalledSpeech
from voicecall.runtime import running
from voicecall.sdk import PluginContext, SystemClock
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.chaos import Storm
from voicecall_conformance.phones import CarrierNetwork, Leg, Surroundings
from voicecall_conformance.phones.gateway import NUMBER, TIME_SCALE, Gateway, Scene, gateway_on
from voicecall_mock.config import MockConfig
from voicecall_mock.network.server import serving_network
from voicecall_mock.network.tools import NetworkTools
from voicecall_mock.orders import read_address

CARRIERS = ("mock", "twilio", "telnyx", "plivo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A call as the carrier knows it; `cause` None: it is not over."""

    id: str
    to_number: str
    answered: bool
    cause: EndCause | None
    ended_by: EndedBy | None


class Town(Protocol):
    """A gateway, and the truth about its calls."""

    @property
    def service(self) -> Any:
        """What every door calls."""
        ...

    async def sides(self) -> list[Side]:
        """Every call that there ever was, as the carrier knows it."""
        ...

    async def dial_in(self, caller: str) -> None:
        """Somebody calls."""
        ...


Building = Callable[[Storm, Mapping[str, Any], Mapping[str, Any], Path], Any]


@pytest.fixture(params=CARRIERS)
def carrier(request: pytest.FixtureRequest) -> str:
    """The name of one."""
    return str(request.param)


@pytest.fixture
def town(carrier: str, tmp_path: Path) -> Callable[..., Any]:
    """Builds one: ``async with town(storm, phones, changes) as town``."""
    build: Building = _mock_town if carrier == "mock" else _vendor_town(carrier)

    def building(storm: Storm, phones: Mapping[str, Any], changes: Mapping[str, Any]) -> Any:
        folder = tmp_path / f"town{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        return build(storm, phones, changes, folder)

    return building


# -- a vendor's live double


@dataclass
class _VendorTown:
    gateway: Gateway
    network: CarrierNetwork

    @property
    def service(self) -> Any:
        return self.gateway.service

    async def sides(self) -> list[Side]:
        return [_side(leg) for leg in self.network.legs.values()]

    async def dial_in(self, caller: str) -> None:
        self.network.dial_in(caller)


def _side(leg: Leg) -> Side:
    end = leg.end if leg.finished.is_set() else None
    return Side(
        id=leg.id,
        to_number=leg.to_number,
        answered=leg.answered,
        cause=None if end is None else end.cause,
        ended_by=None if end is None else end.ended_by,
    )


def _vendor_town(name: str) -> Building:
    module = import_module(f"voicecall_{name}.network")
    calm: type[CarrierNetwork] = getattr(module, f"{name.capitalize()}Network")

    @asynccontextmanager
    async def build(
        storm: Storm, phones: Mapping[str, Any], changes: Mapping[str, Any], folder: Path
    ) -> AsyncIterator[Town]:
        async with storm.proxy("public") as public:

            class Shaken(calm):  # type: ignore[valid-type, misc]
                @classmethod
                @asynccontextmanager
                async def opened(cls, around: Surroundings) -> AsyncIterator[Any]:
                    async with super().opened(around) as network, storm.api(network.base_url) as it:
                        network.base_url = it
                        yield network

                def connect(self, host: str, port: int) -> None:
                    public.lead_to(host, port)
                    super().connect(public.host, public.port)

            scene = Scene(phones=phones, changes=changes)
            async with gateway_on(Shaken, scene, folder) as (gateway, network):
                yield _VendorTown(gateway, network)
                # What is late because of the weather is no mistake of the gateway's.
                network.faults.clear()

    return build


# -- the simulated network


@dataclass
class _MockTown:
    running: Any
    http: httpx.AsyncClient
    callers: list[str] = field(default_factory=list)

    @property
    def service(self) -> Any:
        return self.running.service

    async def sides(self) -> list[Side]:
        orders = (await self.http.get("/v1/ledger")).json()
        assert {(order["received"], order["dialled"]) for order in orders} <= {(1, 1)}
        records = [await self.service.find(order["orderId"]) for order in orders]
        ours = [(one["id"], record.to_number) for one, record in zip(orders, records, strict=True)]
        return [await self._side(*call) for call in (*ours, *((id, NUMBER) for id in self.callers))]

    async def _side(self, id: str, to_number: str) -> Side:
        view = (await self.http.get(f"/v1/calls/{id}")).json()
        ended = view["state"] == "ended"
        return Side(
            id=id,
            to_number=to_number,
            answered=view["state"] == "answered"
            or view.get("cause") in ("completed", "timeout"),  # its longest duration
            cause=EndCause(view["cause"]) if ended else None,
            ended_by=EndedBy(view.get("endedBy", "unknown")) if ended else None,
        )

    async def dial_in(self, caller: str) -> None:
        order = {"fromNumber": caller, "toNumber": NUMBER}
        answer = await self.http.post("/v1/dial", json=order)
        self.callers.append(answer.json()["id"])


@asynccontextmanager
async def _mock_town(
    storm: Storm, phones: Mapping[str, Any], changes: Mapping[str, Any], folder: Path
) -> AsyncIterator[Town]:
    tones = {"provider": "tones"}
    section = {"timeScale": TIME_SCALE, "record": False, "voice": tones, "ears": tones}
    async with (
        _mock_network(section | {"phones": phones}, folder) as url,
        storm.api(url) as api,
        storm.proxy("public") as public,
    ):
        config = {
            "provider": "mock",
            "fromNumber": NUMBER,
            "publicUrl": f"http://{public.host}:{public.port}/voice/webhook",
            "serve": {"port": 0},
            "gateway": {"port": 0},
            "streaming": {"enabled": True, "provider": "tones"},
            "tts": tones,
            "mock": {**section, "phones": phones, "networkUrl": api},
            **changes,
        }
        path = folder / "voicecall.json5"
        path.write_text(json.dumps(config))
        loaded = load_config(path, load_plugins(os.environ), environ={})
        state = folder / "state"
        listening = _Later(public)
        async with listening.running(loaded, state) as started:
            address = read_address(state)
            assert address is not None
            auth = (address.gateway_id, address.secret)
            async with httpx.AsyncClient(base_url=url, auth=auth, trust_env=False) as http:
                yield _MockTown(started, http)


@dataclass
class _Later:
    """The proxy in front leads to the gateway as soon as it listens."""

    public: Any

    @asynccontextmanager
    async def running(self, loaded: Any, state: Path) -> AsyncIterator[Any]:
        async with running(loaded, state_dir=state, drain_seconds=0) as started:
            self.public.lead_to(started.public.host, started.public.port)
            yield started


@asynccontextmanager
async def _mock_network(section: Mapping[str, Any], folder: Path) -> AsyncIterator[str]:
    logger, clock = logging.getLogger("voicecall.network"), SystemClock(TIME_SCALE)
    async with httpx.AsyncClient(trust_env=False) as client:
        context = PluginContext(
            http=LoopbackHttp(client), clock=clock, logger=logger, state_dir=folder
        )
        tools = NetworkTools(
            config=MockConfig.model_validate(section),
            clock=clock,
            speech=InstalledSpeech(load_plugins(os.environ), lambda name: context),
            logger=logger,
            recordings=None,
        )
        async with serving_network(tools, port=0) as url:
            yield url
