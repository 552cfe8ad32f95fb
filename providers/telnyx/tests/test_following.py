"""Do calls that come in to Telnyx follow our public URL, and nothing else of the account?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from voicecall.sdk import ProviderContext, Severity
from voicecall_conformance.phones.following import (
    FOREIGN,
    FORMER,
    PRESENT,
    FollowingScene,
    FollowingSuite,
    following,
)
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.network import TelnyxNetwork
from voicecall_telnyx.provider import TelnyxProvider

pytestmark = pytest.mark.anyio


def provider(section: Mapping[str, object], context: ProviderContext) -> TelnyxProvider:
    return TelnyxProvider(TelnyxConfig.model_validate(section), context)


def opened(state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[TelnyxNetwork]]:
    return following(TelnyxNetwork, provider, state_dir)


class TestFollowing(FollowingSuite):
    def opened(self, state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[TelnyxNetwork]]:
        return opened(state_dir)


async def test_what_follows_the_url_is_kept_and_what_only_looks_alike_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as scene:
        application = scene.network.application
        application.webhook_event_url = f"{FORMER}/of?tenant=7#x"
        application.webhook_event_failover_url = FOREIGN
        (finding,) = await scene.provider.follow(FORMER)
        assert application.webhook_event_url == f"{PRESENT}/of?tenant=7#x"
        assert application.webhook_event_failover_url == FOREIGN
        assert finding.message == f"webhook_event_url of the application moved to {PRESENT}"


async def test_a_failover_url_follows_alone_and_the_rest_is_sent_back_as_it_is(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as scene:
        application = scene.network.application
        application.webhook_event_url = FOREIGN
        application.webhook_event_failover_url = FORMER
        assert await scene.told() == [Severity.OK]
        assert json.loads(scene.network.requests[-1].body) == {
            "application_name": "voicecall",
            "webhook_event_url": FOREIGN,
            "webhook_event_failover_url": PRESENT,
        }
        assert await scene.call() == FOREIGN


@pytest.mark.parametrize("url", [FOREIGN, "https://elsewhere.example/", ""])
async def test_an_application_of_somebody_else_is_not_touched(tmp_path: Path, url: str) -> None:
    async with opened(tmp_path) as scene:
        scene.network.application.webhook_event_url = url
        assert await scene.told() == []
        assert scene.changes() == 0
