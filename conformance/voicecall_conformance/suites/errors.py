"""Does a carrier that will not work become the right error?"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierError,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
)
from voicecall_conformance.ledger import Dialled, Failure
from voicecall_conformance.rig import SECRET, TO_NUMBER, Rig
from voicecall_conformance.rules import RuleBroken, Suite, applies, equal, hold, refused, rule
from voicecall_conformance.suites.package import secrets_of
from voicecall_conformance.vendor import RestAnswer

PAGE = b"<html><h1>Bad gateway</h1>\x1b[31m\x00" + b"x" * 5000
JUNK = (PAGE, b"", b"\xff\xfe\x00", b"[]", b"{}", b"null", b'"no"')
STATUSES = (200, 302, 400, 404, 500, 502)
LONGEST_MESSAGE = 500


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
        rig.echoed = f" (asked for {TO_NUMBER})"
        private = [SECRET, TO_NUMBER, TO_NUMBER.removeprefix("+"), *secrets_of(rig.config)]
        for failure in Failure:
            message = str(await fail(rig, failure, CarrierError))
            hold(bool(re.search(r"\w", message)), f"{failure}: the message is empty")
            told = [text for text in private if text in message]
            hold(not told, f"{failure}: the message tells {told!r}: {message}")

    @rule("errors.retry-after")
    async def test_the_wait_that_the_carrier_asks_for_is_told(self, rig: Rig) -> None:
        refusal = rig.harness.refusal(Failure.RATE)
        name = next((name for name in refusal.headers if name.lower() == "retry-after"), "")
        applies(bool(name), "the carrier does not say how long to wait")
        error = await fail(rig, Failure.RATE, CarrierRateLimited)
        assert isinstance(error, CarrierRateLimited)
        equal("wait in seconds", error.retry_after, float(refusal.headers[name]))
        for unreadable in ("soon", "", "-5", "nan", "inf"):
            headers = {**refusal.headers, name: unreadable}
            rig.stand_in = replace(refusal, headers=headers)
            with refused(CarrierRateLimited, f"a wait of {unreadable!r}") as caught:
                await rig.place()
            equal(f"wait in seconds of {unreadable!r}", getattr(caught[0], "retry_after", 0), None)

    @rule("errors.junk")
    async def test_what_is_not_the_carriers_answer_is_an_error(self, rig: Rig) -> None:
        for status in STATUSES:
            for body in JUNK:
                rig.stand_in = RestAnswer(status=status, body=body)
                what = f"an answer {status} {body[:20]!r}"
                with refused(CarrierError, what) as caught:
                    await rig.place()
                message = str(caught[0])
                hold(len(message) <= LONGEST_MESSAGE, f"{what}: {len(message)} characters")
                hold(_is_printable(message), f"{what}: control characters in {message!r}")
                await _asked(rig, what)


async def _asked(rig: Rig, what: str) -> None:
    """A status is told, or is a CarrierError."""
    try:
        await rig.provider.status(rig.call())
    except CarrierError:
        return
    except Exception as error:
        raise RuleBroken(f"asked for a status, {what}: raised {error!r}") from error


def _is_printable(text: str) -> bool:
    return not any(unicodedata.category(each) == "Cc" for each in text)
