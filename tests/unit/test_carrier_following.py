"""Does a carrier that could not be told of the new public URL hear of it later?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

import anyio
import pytest
import trio.testing

from voicecall.carrier_following import AGAIN_SECONDS, CarrierFollowing
from voicecall.errors import CarrierUnreachable
from voicecall.sdk import CallProvider, Finding, Severity

MOVED = Finding(severity=Severity.OK, subject="acme", message="moved")


class Carrier:
    """Follows, unless the test has it fail."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked: list[str] = []

    async def follow(self, former: str) -> Sequence[Finding]:
        self.asked.append(former)
        if self.error is not None:
            raise self.error
        return [MOVED]


def told(course: Any) -> None:
    """Run `course` with a carrier and who tells it, in virtual time."""

    async def main() -> None:
        carrier = Carrier()
        following = CarrierFollowing(lambda: cast(CallProvider, carrier))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(following.watch)
            await course(carrier, following)
            tasks.cancel_scope.cancel()

    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


def test_a_carrier_that_heard_is_not_asked_again() -> None:
    async def course(carrier: Carrier, following: CarrierFollowing) -> None:
        await following.changed("a")
        await anyio.sleep(10 * AGAIN_SECONDS)
        assert carrier.asked == ["a"]
        assert following.problem is None

    told(course)


@pytest.mark.parametrize("error", [CarrierUnreachable("nobody answers"), KeyError("junk")])
def test_one_that_did_not_is_asked_every_minute_and_complained_about_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def course(carrier: Carrier, following: CarrierFollowing) -> None:
        carrier.error = error
        await following.changed("a")
        await anyio.sleep(2.5 * AGAIN_SECONDS)
        assert carrier.asked == ["a"] * 3
        assert following.problem and str(error) in following.problem
        carrier.error = None
        await anyio.sleep(AGAIN_SECONDS)
        assert carrier.asked == ["a"] * 4
        assert following.problem is None

    told(course)
    complaints = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(complaints) == 1


def test_every_former_url_is_told_in_their_order() -> None:
    async def course(carrier: Carrier, following: CarrierFollowing) -> None:
        carrier.error = CarrierUnreachable("nobody answers")
        await following.changed("a")
        await following.changed("b")
        carrier.error = None
        await anyio.sleep(1.5 * AGAIN_SECONDS)
        assert carrier.asked == ["a", "a", "a", "b"]

    told(course)


def test_what_a_person_must_change_is_logged_with_its_remedy(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = Finding(
        severity=Severity.WARNING, subject="acme", message="a number stays", remedy="set it"
    )

    async def course(carrier: Carrier, following: CarrierFollowing) -> None:
        async def follow(former: str) -> Sequence[Finding]:
            return [by_hand]

        monkeypatch.setattr(carrier, "follow", follow)
        await following.changed("a")
        assert following.problem is None

    told(course)
    assert "acme: a number stays; set it" in caplog.text
