"""Do calls that come in follow our public URL? What holds at every carrier whose account can be
changed, beside its live double."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Generic

import anyio
import httpx
import pytest

from voicecall.sdk import CallProvider, CarrierError, ProviderContext, Severity, SystemClock
from voicecall_conformance.borrowed import LoopbackHttp, NoSpeech, Urls
from voicecall_conformance.phones import Phone, Surroundings
from voicecall_conformance.phones.gateway import BOB, NUMBER, Network
from voicecall_conformance.vendor import RestAnswer, RestRequest, serving

FORMER = "https://a.example/voice/webhook"
FOREIGN = "https://a.example/voice/webhook2"
PRESENT = Urls.base
DEADLINE = 20.0
"""Real seconds for one scene."""

MakeProvider = Callable[[Mapping[str, object], ProviderContext], CallProvider]
"""Section and context → our provider."""


class FollowingScene(Generic[Network]):
    """A carrier, a gateway that only listens, and our provider, whose public URL is another now."""

    def __init__(self, network: Network, make: MakeProvider, context: ProviderContext) -> None:
        self.network = network
        self._make = make
        self._context = context
        self.provider = self.provider_at(network.base_url)
        self.urls: list[str] = []
        self.called = anyio.Event()

    def provider_at(self, api: str) -> CallProvider:
        """Our provider, beside an API elsewhere."""
        return self._make({**self.network.section(), "apiBaseUrl": api}, self._context)

    def answer(self, request: RestRequest) -> RestAnswer:
        """What the gateway does: it notes where it was called."""
        query = f"?{request.query}" if request.query else ""
        self.urls.append(f"https://{request.headers['host']}{request.path}{query}")
        self.called.set()
        return RestAnswer()

    async def told(self) -> list[Severity]:
        """What following the former URL finds."""
        findings = await self.provider.follow(FORMER)
        for finding in findings:
            assert (finding.remedy is None) == (finding.severity is Severity.OK)
            assert NUMBER not in f"{finding.message}{finding.remedy}"
        return [finding.severity for finding in findings]

    def changes(self) -> int:
        """How often the account was changed, or tried to be."""
        return sum(request.method != "GET" for request in self.network.requests)

    async def call(self) -> str:
        """Bob calls the number; the URL that the carrier goes to first."""
        self.network.dial_in(BOB)
        await self.called.wait()
        return self.urls[0]


@asynccontextmanager
async def following(
    network_type: type[Network], make: MakeProvider, state_dir: Path
) -> AsyncIterator[FollowingScene[Network]]:
    """The scene; it ends with the block."""
    around = Surroundings(
        clock=SystemClock(20),
        speech=NoSpeech(),
        number=NUMBER,
        webhook_url=FORMER,
        phones={BOB: Phone.model_validate({"steps": [{"wait": 600_000}]})},
    )
    with anyio.fail_after(DEADLINE):
        async with (
            network_type.opened(around) as network,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            context = ProviderContext(
                urls=Urls(),
                http=LoopbackHttp(client),
                clock=around.clock,
                logger=logging.getLogger(f"voicecall.plugin.{network.name}"),
                state_dir=state_dir,
                from_number=NUMBER,
                speech=NoSpeech(),
            )
            scene = FollowingScene(network, make, context)
            async with serving(scene.answer) as url:
                network.connect("127.0.0.1", int(url.rpartition(":")[2]))
                yield scene


def _refuse_changes(request: RestRequest) -> RestAnswer | None:
    return None if request.method == "GET" else RestAnswer(status=403, body=b"{}")


def _fail_changes(request: RestRequest) -> RestAnswer | None:
    return None if request.method == "GET" else RestAnswer(status=503, body=b"{}")


@pytest.mark.anyio
class FollowingSuite(ABC):
    """What holds at every carrier, as tests; a provider's own class says which one."""

    @abstractmethod
    def opened(self, state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[Any]]:
        """`following`, at the carrier."""

    async def test_a_call_that_comes_in_goes_to_the_new_url(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as scene:
            assert await scene.told() == [Severity.OK]
            assert await scene.call() == PRESENT

    async def test_a_second_time_changes_nothing(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as scene:
            await scene.told()
            assert await scene.told() == []
            assert scene.changes() == 1

    async def test_a_change_that_is_refused_is_a_warning_with_a_remedy(
        self, tmp_path: Path
    ) -> None:
        async with self.opened(tmp_path) as scene:
            scene.network.instead = _refuse_changes
            assert await scene.told() == [Severity.WARNING]
            scene.network.instead = lambda request: None
            assert await scene.call() == FORMER

    async def test_a_change_that_fails_for_now_is_an_error_that_may_be_tried_again(
        self, tmp_path: Path
    ) -> None:
        async with self.opened(tmp_path) as scene:
            scene.network.instead = _fail_changes
            with pytest.raises(CarrierError) as caught:
                await scene.provider.follow(FORMER)
            assert caught.value.retryable
            scene.network.instead = lambda request: None
            assert await scene.told() == [Severity.OK]
            assert await scene.call() == PRESENT

    @pytest.mark.parametrize("status", [200, 401, 503])
    async def test_a_carrier_that_tells_nothing_is_an_error(
        self, tmp_path: Path, status: int
    ) -> None:
        async with self.opened(tmp_path) as scene:
            scene.network.instead = lambda request: RestAnswer(status=status, body=b"[]")
            with pytest.raises(CarrierError):
                await scene.provider.follow(FORMER)

    async def test_a_carrier_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        async with self.opened(tmp_path) as scene:
            async with serving(scene.answer) as nobody:
                pass
            with pytest.raises(CarrierError):
                await scene.provider_at(nobody).follow(FORMER)
