"""What stands at the other end of the live double? A program that uses Telnyx's own SDK."""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import telnyx

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk import PluginContext, SystemClock
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.phones import Phone, Surroundings
from voicecall_conformance.phones.gateway import BOB, NUMBER
from voicecall_conformance.vendor import serving
from voicecall_telnyx.network import TelnyxNetwork
from voicecall_telnyx.network.account import API_KEY
from voicecall_telnyx.network.reports import CONNECTION_ID, public_key

SCALE = 20.0
HOOK = "https://program.example.com/hook?of=program"
Event = tuple[str, Mapping[str, Any]]


class Program:
    """Dials and steers by the SDK, and takes the webhooks that the SDK believes.

    `statuses` are what the next webhooks are answered with; then it is 200.
    """

    def __init__(self, network: TelnyxNetwork, sdk: telnyx.AsyncTelnyx) -> None:
        self.network = network
        self.sdk = sdk
        self.actions = sdk.calls.actions
        self.events: list[Event] = []
        self.bodies: list[Mapping[str, Any]] = []
        self.statuses: deque[int] = deque()
        self._news = anyio.Event()

    def take(self, request: RestRequest) -> RestAnswer:
        """A webhook."""
        assert request.query == "of=program"
        text = request.body.decode()
        self.sdk.webhooks.unwrap(text, headers=request.headers)
        status = self.statuses.popleft() if self.statuses else 200
        body = json.loads(text)
        self.bodies.append(body)
        if status == 200:
            self.events.append((body["data"]["event_type"], body["data"]["payload"]))
            self._news.set()
            self._news = anyio.Event()
        return RestAnswer(status=status)

    async def until(self, kind: str, **payload: object) -> Mapping[str, Any]:
        """The payload of the first event of a kind with these values."""
        while True:
            for told, found in self.events:
                if told == kind and payload.items() <= found.items():
                    return found
            await self._news.wait()

    def kinds(self) -> list[str]:
        """What was told, in order."""
        return [kind for kind, _ in self.events]

    async def dial(self, **fields: Any) -> str:
        """Call Bob; the call's id."""
        order: dict[str, Any] = {
            "connection_id": CONNECTION_ID,
            "to": BOB,
            "from_": NUMBER,
            "webhook_url": HOOK,
            **fields,
        }
        response = await self.sdk.calls.dial(**order)
        assert response.data is not None
        return response.data.call_control_id


Opened = Callable[..., AbstractAsyncContextManager[TelnyxNetwork]]
Started = Callable[..., AbstractAsyncContextManager[Program]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens the double alone: ``async with opened({number: phone}) as network``."""

    @asynccontextmanager
    async def opening(phones: Mapping[str, Mapping[str, object]]) -> AsyncIterator[TelnyxNetwork]:
        registry, clock = load_plugins(os.environ), SystemClock(SCALE)
        async with httpx.AsyncClient(trust_env=False) as client:
            context = PluginContext(
                http=LoopbackHttp(client),
                clock=clock,
                logger=logging.getLogger("voicecall.network"),
                state_dir=tmp_path,
            )
            around = Surroundings(
                clock=clock,
                speech=InstalledSpeech(registry, lambda name: context),
                number=NUMBER,
                webhook_url=HOOK,
                phones={number: Phone.model_validate(each) for number, each in phones.items()},
            )
            async with TelnyxNetwork.opened(around) as network:
                with anyio.fail_after(30):
                    yield network

    return opening


def sdk_of(network: TelnyxNetwork, http: httpx.AsyncClient) -> telnyx.AsyncTelnyx:
    return telnyx.AsyncTelnyx(
        api_key=API_KEY,
        public_key=public_key(network.key),
        base_url=f"{network.base_url}/v2",
        max_retries=0,
        http_client=http,
    )


@pytest.fixture
def started(opened: Opened) -> Started:
    """Starts a program: ``async with started(*Bob's steps, outcome=…) as program``."""

    @asynccontextmanager
    async def starting(*steps: Mapping[str, object], **phone: object) -> AsyncIterator[Program]:
        bob = {**({"steps": steps} if steps else {}), **phone}
        async with (
            httpx.AsyncClient(trust_env=False) as http,
            opened({BOB: bob}) as network,
        ):
            program = Program(network, sdk_of(network, http))
            async with serving(program.take) as url:
                network.connect("127.0.0.1", int(url.rpartition(":")[2]))
                yield program

    return starting
