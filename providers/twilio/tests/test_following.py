"""Do calls that come in to Twilio follow our public URL, and nothing else of the account?"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from voicecall.sdk import ProviderContext, Severity
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.phones.following import (
    FOREIGN,
    FORMER,
    PRESENT,
    FollowingScene,
    FollowingSuite,
    following,
)
from voicecall_twilio.config import TwilioConfig
from voicecall_twilio.network import TwilioNetwork
from voicecall_twilio.network.account import answer
from voicecall_twilio.network.settings import Settings, settings_at
from voicecall_twilio.provider import TwilioProvider

pytestmark = pytest.mark.anyio


def provider(section: Mapping[str, object], context: ProviderContext) -> TwilioProvider:
    return TwilioProvider(TwilioConfig.model_validate(section), context)


def opened(state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[TwilioNetwork]]:
    return following(TwilioNetwork, provider, state_dir)


class TestFollowing(FollowingSuite):
    def opened(self, state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[TwilioNetwork]]:
        return opened(state_dir)


async def test_what_follows_the_url_is_kept_and_what_only_looks_alike_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.number = Settings(
            voice_url=f"{FORMER}/voice?tenant=7#rc=2&rp=5xx",
            voice_fallback_url=f"{FOREIGN}/fallback",
            status_callback="https://elsewhere.example/status",
        )
        (finding,) = await scene.provider.follow(FORMER)
        assert scene.network.number == Settings(
            voice_url=f"{PRESENT}/voice?tenant=7#rc=2&rp=5xx",
            voice_fallback_url=f"{FOREIGN}/fallback",
            status_callback="https://elsewhere.example/status",
        )
        assert finding.message == f"voice_url of +1555•••1111 moved to {PRESENT}"
        assert b"VoiceFallbackUrl" not in scene.network.requests[-1].body


async def test_numbers_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.number = Settings(voice_url=FOREIGN)
        assert await scene.told() == []
        assert scene.changes() == 0


async def test_the_application_that_a_number_points_at_follows(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.number = Settings(voice_url=FOREIGN)
        scene.network.application = Settings(voice_url=f"{FORMER}#rc=3", status_callback=FOREIGN)
        assert await scene.told() == [Severity.OK]
        assert scene.network.application.status_callback == FOREIGN
        assert await scene.call() == PRESENT
        assert await scene.told() == []


async def test_an_application_that_cannot_be_read_is_a_warning(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        scene.network.application = settings_at(FORMER)
        scene.network.instead = lambda request: (
            RestAnswer(status=404, body=b"{}") if "/Applications/" in request.path else None
        )
        assert await scene.told() == [Severity.OK, Severity.WARNING]


async def test_every_page_of_numbers_is_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:

        def paged(request: RestRequest) -> RestAnswer | None:
            if request.method != "GET" or "Page=1" in request.query:
                return None
            empty = {"incoming_phone_numbers": [], "page": 0, "page_size": 1}
            return answer({**empty, "next_page_uri": f"{request.path}?Page=1&PageSize=1"})

        scene.network.instead = paged
        assert await scene.told() == [Severity.OK]
        assert scene.network.number == settings_at(PRESENT)
