"""Do calls that come in to Plivo follow our public URL, and nothing else of the account?"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest

from voicecall.sdk import CarrierError, ProviderContext, Severity, SystemClock
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.borrowed import LoopbackHttp, NoSpeech, Urls
from voicecall_conformance.phones import Phone, Surroundings
from voicecall_conformance.vendor import serving
from voicecall_plivo.config import PlivoConfig
from voicecall_plivo.network import PlivoNetwork
from voicecall_plivo.network.order import application
from voicecall_plivo.provider import PlivoProvider

pytestmark = pytest.mark.anyio

NUMBER, BOB = "+15550001111", "+15550002222"
FORMER = "https://a.example/voice/webhook"
FOREIGN = "https://a.example/voice/webhook2"
PRESENT = Urls.base


class Scene:
    """Plivo, a gateway that only listens, and our provider, whose public URL is another now."""

    def __init__(self, network: PlivoNetwork, context: ProviderContext) -> None:
        self.network = network
        self.context = context
        self.provider = self.provider_at(network.base_url)
        self.urls: list[str] = []
        self.called = anyio.Event()

    def provider_at(self, api: str) -> PlivoProvider:
        """Our provider, beside an API elsewhere."""
        section = {**self.network.section(), "apiBaseUrl": api}
        return PlivoProvider(PlivoConfig.model_validate(section), self.context)

    def answer(self, request: RestRequest) -> RestAnswer:
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
        """Bob calls the number; the URL that Plivo goes to first."""
        self.network.dial_in(BOB)
        await self.called.wait()
        return self.urls[0]


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Scene]:
    around = Surroundings(
        clock=SystemClock(20),
        speech=NoSpeech(),
        number=NUMBER,
        webhook_url=FORMER,
        phones={BOB: Phone.model_validate({"steps": [{"wait": 600_000}]})},
    )
    with anyio.fail_after(20):
        async with (
            PlivoNetwork.opened(around) as network,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            context = ProviderContext(
                urls=Urls(),
                http=LoopbackHttp(client),
                clock=around.clock,
                logger=logging.getLogger("voicecall.plugin.plivo"),
                state_dir=tmp_path,
                from_number=NUMBER,
                speech=NoSpeech(),
            )
            scene = Scene(network, context)
            async with serving(scene.answer) as url:
                network.connect("127.0.0.1", int(url.rpartition(":")[2]))
                yield scene


def refuse_changes(request: RestRequest) -> RestAnswer | None:
    return None if request.method == "GET" else RestAnswer(status=403, body=b"{}")


async def test_a_call_that_comes_in_goes_to_the_new_url(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        assert await scene.told() == [Severity.OK]
        assert await scene.call() == PRESENT


async def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        await scene.told()
        assert await scene.told() == []
        assert scene.changes() == 1


async def test_a_change_that_is_refused_is_a_warning_with_a_remedy(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.instead = refuse_changes
        assert await scene.told() == [Severity.WARNING]
        scene.network.instead = lambda request: None
        assert await scene.call() == FORMER


@pytest.mark.parametrize("status", [200, 401, 503])
async def test_a_carrier_that_tells_nothing_is_an_error(tmp_path: Path, status: int) -> None:
    async with opened(tmp_path) as scene:
        scene.network.instead = lambda request: RestAnswer(status=status, body=b"[]")
        with pytest.raises(CarrierError):
            await scene.provider.follow(FORMER)


async def test_a_carrier_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        async with serving(scene.answer) as nobody:
            pass
        with pytest.raises(CarrierError):
            await scene.provider_at(nobody).follow(FORMER)


async def test_what_follows_the_url_is_kept_and_what_only_looks_alike_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.application |= {
            "answer_url": f"{FORMER}?tenant=7#rc=1",
            "hangup_url": "https://elsewhere.example/hangup",
            "fallback_answer_url": f"{FOREIGN}/fallback",
        }
        (finding,) = await scene.provider.follow(FORMER)
        assert json.loads(scene.network.requests[-1].body) == {
            "answer_url": f"{PRESENT}?tenant=7#rc=1"
        }
        assert finding.message == f"answer_url moved to {PRESENT}"
        assert scene.network.application["fallback_answer_url"] == f"{FOREIGN}/fallback"


async def test_all_of_our_urls_follow_with_their_retries(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        await scene.told()
        assert scene.network.application == application(PRESENT)


async def test_an_application_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.application.update(application(FOREIGN))
        assert await scene.told() == []
        assert scene.changes() == 0


@pytest.mark.parametrize(
    ("resource", "given", "found"),
    [
        ("Number", RestAnswer(status=404, body=b"{}"), []),
        ("Number", RestAnswer(body=b'{"application": null}'), []),
        ("Application", RestAnswer(status=404, body=b"{}"), [Severity.WARNING]),
    ],
)
async def test_a_number_without_an_application_of_ours_has_nothing_to_follow(
    tmp_path: Path, resource: str, given: RestAnswer, found: list[Severity]
) -> None:
    async with opened(tmp_path) as scene:
        scene.network.instead = lambda request: given if f"/{resource}/" in request.path else None
        assert await scene.told() == found
        assert scene.changes() == 0
