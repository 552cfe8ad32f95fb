"""What do these tests share? A provider beside its harness, signed forms, and the live double."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

import anyio
import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from voicecall.sdk import SystemClock, VerifiedWebhook
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.borrowed import NOW, NoSpeech
from voicecall_conformance.phones import Leg, Phone, Surroundings
from voicecall_conformance.rig import Rig, rigged
from voicecall_conformance.vendor import serving
from voicecall_twilio.network import TwilioNetwork
from voicecall_twilio.network.account import ROOT
from voicecall_twilio.network.network import TOKEN
from voicecall_twilio.network.phrases import ACCOUNT, OUR_NUMBER, SOMEBODY
from voicecall_twilio.testing import TwilioHarness

Webhook = Callable[..., VerifiedWebhook]
PUBLIC = "https://gateway.example:8443"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with rigged(TwilioHarness()) as rig:
        yield rig


@pytest.fixture
def webhook(rig: Rig) -> Webhook:
    """A verified webhook: its hook, its fields, the query of its URL."""

    def make(
        hook: str, fields: Mapping[str, str], query: Mapping[str, str] | None = None
    ) -> VerifiedWebhook:
        harness = rig.harness
        assert isinstance(harness, TwilioHarness)
        url = rig.urls.webhook(hook, **(query or {}))
        request = harness.post(url, fields, urls=rig.urls, at=NOW, name=hook)
        return rig.provider.verify(request)

    return make


# -- the live double


class Gateway:
    """Whoever is called back: keeps every request, and answers what a path is to be answered."""

    def __init__(self) -> None:
        self.requests: list[RestRequest] = []
        self.answers: dict[str, list[RestAnswer]] = {}
        """Path → answers, the last of which is repeated; 204 to all other paths."""

    def answer(self, request: RestRequest) -> RestAnswer:
        self.requests.append(request)
        known = self.answers.get(request.path, [RestAnswer(status=204)])
        return known.pop(0) if len(known) > 1 else known[0]

    def fields(self, path: str) -> list[dict[str, str]]:
        """The forms that came to `path`; each is signed, over the URL without its port."""
        told = [each for each in self.requests if each.path == path]
        forms = [dict(parse_qsl(each.body.decode(), keep_blank_values=True)) for each in told]
        for request, form in zip(told, forms, strict=True):
            url = f"https://gateway.example{path}" + (f"?{request.query}" if request.query else "")
            signature = RequestValidator(TOKEN).compute_signature(url, form)
            assert request.headers["x-twilio-signature"] == signature
        return forms

    def tokens(self, path: str) -> list[str]:
        name = "i-twilio-idempotency-token"
        return [each.headers[name] for each in self.requests if each.path == path]


class Double:
    """The network, its REST API, and the gateway that it calls back."""

    def __init__(self, network: TwilioNetwork, gateway: Gateway, client: httpx.AsyncClient) -> None:
        self.network = network
        self.gateway = gateway
        self._client = client

    async def post(self, path: str, fields: Mapping[str, Any], *, token: str = TOKEN) -> Any:
        login = base64.b64encode(f"{ACCOUNT}:{token}".encode()).decode()
        response = await self._client.post(
            f"{self.network.base_url}{path}",
            content=urlencode(fields, doseq=True),
            headers={
                "authorization": f"Basic {login}",
                "content-type": "application/x-www-form-urlencoded",
            },
        )
        return response.status_code, response.json()

    async def dial(self, **fields: Any) -> Leg:
        order = {"To": SOMEBODY, "From": OUR_NUMBER, **fields}
        status, call = await self.post(f"{ROOT}/Calls.json", order)
        assert (status, call["status"]) == (201, "queued")
        return self.network.legs[call["sid"]]

    async def told(self, leg: Leg) -> None:
        """When everything about a call was told."""
        await self.network.calls[leg.id].told.wait()


@asynccontextmanager
async def _doubled(**phone: object) -> AsyncIterator[Double]:
    around = Surroundings(
        clock=SystemClock(20),
        speech=NoSpeech(),
        number=OUR_NUMBER,
        webhook_url=f"{PUBLIC}/voice",
        phones={SOMEBODY: Phone.model_validate({"steps": [{"wait": 600_000}], **phone})},
        logger=logging.getLogger("voicecall.network"),
    )
    gateway = Gateway()
    with anyio.fail_after(20):
        async with (
            TwilioNetwork.opened(around) as network,
            serving(gateway.answer) as url,
            httpx.AsyncClient(trust_env=False) as client,
        ):
            network.connect("127.0.0.1", int(url.rpartition(":")[2]))
            yield Double(network, gateway, client)


@pytest.fixture
def doubled() -> Callable[..., AbstractAsyncContextManager[Double]]:
    """Opens the live double beside a gateway of its own; ``doubled(**Somebody's phone)``."""
    return _doubled
