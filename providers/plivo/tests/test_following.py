"""Do calls that come in to Plivo follow our public URL, and nothing else of the account?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from voicecall.sdk import ProviderContext, Severity
from voicecall_conformance import RestAnswer
from voicecall_conformance.phones.following import (
    FOREIGN,
    FORMER,
    PRESENT,
    FollowingScene,
    FollowingSuite,
    following,
)
from voicecall_plivo.config import PlivoConfig
from voicecall_plivo.network import PlivoNetwork
from voicecall_plivo.network.order import application
from voicecall_plivo.provider import PlivoProvider

pytestmark = pytest.mark.anyio


def provider(section: Mapping[str, object], context: ProviderContext) -> PlivoProvider:
    return PlivoProvider(PlivoConfig.model_validate(section), context)


def opened(state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[PlivoNetwork]]:
    return following(PlivoNetwork, provider, state_dir)


class TestFollowing(FollowingSuite):
    def opened(self, state_dir: Path) -> AbstractAsyncContextManager[FollowingScene[PlivoNetwork]]:
        return opened(state_dir)


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
