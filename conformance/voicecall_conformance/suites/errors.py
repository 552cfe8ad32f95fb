"""Does a carrier that will not work become the right error?"""

from __future__ import annotations

import re

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
)
from voicecall_conformance.harness import Dialled, Failure
from voicecall_conformance.rig import SECRET, TO_NUMBER, Rig
from voicecall_conformance.rules import Suite, equal, hold, refused, rule
from voicecall_conformance.suites.package import secrets_of


async def fail(rig: Rig, failure: Failure, error: type[CarrierError]) -> CarrierError:
    """Dial while the carrier will not; the error."""
    rig.failure = failure
    with refused(error, f"dialling while the carrier says {failure}") as caught:
        await rig.place()
    rig.failure = None
    assert isinstance(caught[0], CarrierError)
    return caught[0]


class ErrorsSuite(Suite):
    """Area `errors`."""

    @rule("errors.credentials")
    async def test_bad_credentials_are_told_and_final(self, rig: Rig) -> None:
        error = await fail(rig, Failure.CREDENTIALS, CarrierAuthFailed)
        equal("retryable", error.retryable, False)

    @rule("errors.rate")
    async def test_too_many_requests_may_be_tried_again(self, rig: Rig) -> None:
        error = await fail(rig, Failure.RATE, CarrierRateLimited)
        equal("retryable", error.retryable, True)

    @rule("errors.rejected")
    async def test_a_refusal_is_final(self, rig: Rig) -> None:
        error = await fail(rig, Failure.REFUSED, CarrierRejected)
        equal("retryable", error.retryable, False)

    @rule("errors.unreachable")
    async def test_a_broken_or_silent_carrier_is_unreachable(self, rig: Rig) -> None:
        await fail(rig, Failure.BROKEN, CarrierUnreachable)
        rig.lost = True
        with refused(CarrierUnreachable, "dialling while every answer is lost"):
            await rig.place()

    @rule("errors.once")
    async def test_a_lost_order_is_not_sent_again(self, rig: Rig) -> None:
        rig.lost = True
        with refused(CarrierError, "dialling while every answer is lost"):
            await rig.place()
        equal("orders that reached the carrier", len(rig.entries(Dialled)), 1)

    @rule("errors.silent")
    async def test_an_error_gives_nothing_away(self, rig: Rig) -> None:
        private = [SECRET, TO_NUMBER, TO_NUMBER.removeprefix("+"), *secrets_of(rig.config)]
        for failure in Failure:
            message = str(await fail(rig, failure, CarrierError))
            hold(bool(re.search(r"\w", message)), f"{failure}: the message is empty")
            told = [text for text in private if text in message]
            hold(not told, f"{failure}: the message tells {told!r}: {message}")
