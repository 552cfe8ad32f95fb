"""Does nobody's phone ring at night, wherever it may be?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from voicecall.calls.quiet_hours import quiet_hours_verdict
from voicecall.config.policy_settings import QuietHoursSettings

NIGHT = QuietHoursSettings.model_validate({"from": "21:00", "to": "08:00"})
LUNCH = QuietHoursSettings.model_validate({"from": "12:00", "to": "13:30"})
BERLIN, NEW_YORK, FREEPHONE = "+4915123456789", "+12125551234", "+80012345678"


def at(text: str) -> float:
    """Seconds since the epoch of a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("number", "moment", "quiet"),
    [
        (BERLIN, "2026-01-15T19:59", False),
        (BERLIN, "2026-01-15T20:00", True),
        (BERLIN, "2026-01-16T00:30", True),
        (BERLIN, "2026-01-16T06:59", True),
        (BERLIN, "2026-01-16T07:00", False),
        (BERLIN, "2026-07-15T19:00", True),  # an hour earlier in summer
        (BERLIN, "2026-07-16T06:00", False),
        (NEW_YORK, "2026-01-15T20:00", False),
        (NEW_YORK, "2026-01-16T02:00", True),
    ],
)
def test_quiet_hours_over_midnight_are_those_of_the_callee(
    number: str, moment: str, quiet: bool
) -> None:
    verdict = quiet_hours_verdict(NIGHT, number, at(moment))
    assert verdict.reason == ("policy.quietHours" if quiet else None)


@pytest.mark.parametrize(
    ("moment", "quiet"),
    [("10:59", False), ("11:00", True), ("12:29", True), ("12:30", False)],
)
def test_quiet_hours_within_a_day_end_on_the_same_day(moment: str, quiet: bool) -> None:
    verdict = quiet_hours_verdict(LUNCH, BERLIN, at(f"2026-01-15T{moment}"))
    assert verdict.allows is not quiet


def test_a_number_of_several_zones_is_refused_when_it_is_quiet_in_any() -> None:
    moment = at("2026-01-15T23:00")  # 18:00 in New York, 13:00 in Honolulu, 09:00 on Guam
    assert quiet_hours_verdict(NIGHT, NEW_YORK, moment).allows
    assert not quiet_hours_verdict(LUNCH, "+18005551234", at("2026-01-15T17:30")).allows


def test_a_number_that_nobody_has_may_ring_anywhere_under_its_country_code() -> None:
    verdict = quiet_hours_verdict(LUNCH, "+15550002222", at("2026-01-15T17:30"))
    assert "America/" in verdict.why
    assert not verdict.allows


def test_a_number_without_a_zone_is_refused_unless_the_configuration_names_one() -> None:
    noon = at("2026-01-15T10:00")
    assert not quiet_hours_verdict(NIGHT, FREEPHONE, noon).allows
    named = NIGHT.model_copy(update={"time_zone": "Europe/Berlin"})
    assert quiet_hours_verdict(named, FREEPHONE, noon).allows
    assert not quiet_hours_verdict(named, FREEPHONE, at("2026-01-15T22:00")).allows


@pytest.mark.parametrize("time", ["24:00", "9:00", "12:60", "noon", ""])
def test_a_time_of_day_is_written_with_two_and_two_digits(time: str) -> None:
    with pytest.raises(ValidationError):
        QuietHoursSettings.model_validate({"from": time, "to": "08:00"})
