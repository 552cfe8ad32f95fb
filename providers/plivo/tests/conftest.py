"""A provider without a network, and what Plivo would send to it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlencode

import pytest

from voicecall.sdk import HttpClient, HttpResponse, ProviderContext, WebhookRequest
from voicecall_conformance import post
from voicecall_conformance.borrowed import NOW, NoSpeech, StillClock, Urls
from voicecall_plivo.config import PlivoConfig
from voicecall_plivo.double.signing import signed_headers
from voicecall_plivo.provider import PlivoProvider

TOKEN = "my_auth_token"
AUTH_ID = "MAXXXXXXXXXXXXXXXXXX"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


class Answers:
    """An HTTP client that notes what is asked, and answers what it was given."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.given: list[HttpResponse] = []
        self.before: Callable[[], None] = lambda: None

    def give(self, status: int, body: object = None, **headers: str) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        content = body.encode() if isinstance(body, str) else content
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.given.append(HttpResponse(status=status, headers=named, body=content))

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        self.asked.append((method, url, options.get("json")))
        self.before()
        return self.given.pop(0)


@pytest.fixture
def urls() -> Urls:
    return Urls()


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def make_provider(urls: Urls, answers: HttpClient, tmp_path: Path) -> Callable[..., PlivoProvider]:
    def make(**config: object) -> PlivoProvider:
        section = {"authId": AUTH_ID, "authToken": TOKEN, **config}
        context = ProviderContext(
            urls=urls,
            http=answers,
            clock=StillClock(),
            logger=logging.getLogger("voicecall.plugin.plivo"),
            state_dir=tmp_path,
            from_number="+14155550199",
            speech=NoSpeech(),
        )
        return PlivoProvider(PlivoConfig.model_validate(section), context)

    return make


@pytest.fixture
def provider(make_provider: Callable[..., PlivoProvider]) -> PlivoProvider:
    return make_provider()


@pytest.fixture
def callback(urls: Urls) -> Callable[..., WebhookRequest]:
    """A signed POST to a URL that Plivo was given."""

    def make(url: str, fields: Mapping[str, str], *, nonce: str = "1") -> WebhookRequest:
        sent = urldefrag(url).url
        headers = signed_headers(token=TOKEN, method="POST", url=sent, nonce=nonce, form=fields)
        return post(
            sent,
            webhook_url=urls.webhook(),
            body=urlencode(fields).encode(),
            headers={**headers, "content-type": FORM},
            at=NOW,
        )

    return make
