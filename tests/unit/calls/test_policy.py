"""Which numbers are refused before anything is asked of the network?"""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from voicecall.calls.policy import guard_destination, require_digits, require_number
from voicecall.config.schema import GuardSettings
from voicecall.errors import InvalidRequest, PolicyRefused

DENIED = [PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.UAN]


def examples(kind: int) -> list[str]:
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]
    return [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for number in found
        if number is not None and phonenumbers.number_type(number) == kind
    ]


@pytest.mark.parametrize("kind", DENIED, ids=PhoneNumberType.to_string)
def test_costly_numbers_of_every_region_are_refused(kind: int) -> None:
    numbers = examples(kind)
    assert len(numbers) > 10
    for number in numbers:
        with pytest.raises(PolicyRefused) as refusal:
            guard_destination(GuardSettings(), number)
        assert refusal.value.reason == "policy.destination"
        assert number not in str(refusal.value)


def test_mobile_numbers_of_every_region_are_dialled() -> None:
    for number in examples(PhoneNumberType.MOBILE):
        guard_destination(GuardSettings(), number)


def test_only_listed_countries_are_dialled() -> None:
    guard = GuardSettings(countries=("DE",))
    guard_destination(guard, "+4915123456789")
    with pytest.raises(PolicyRefused, match="countries"):
        guard_destination(guard, "+33612345678")


def test_a_number_that_must_not_be_called_is_not() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        guard_destination(GuardSettings(do_not_call=("+4915123456789",)), "+4915123456789")
    assert refusal.value.reason == "policy.doNotCall"


@pytest.mark.parametrize("number", ["+8816123456789", "+870773111632"])
def test_satellites_are_refused(number: str) -> None:
    with pytest.raises(PolicyRefused):
        guard_destination(GuardSettings(), number)


@pytest.mark.parametrize("text", ["", "5550002222", "+0123456789", "+1555٠٠٠2222", "tel:+1555"])
def test_what_is_not_e164_is_not_dialled(text: str) -> None:
    with pytest.raises(InvalidRequest):
        require_number(text)


@pytest.mark.parametrize("digits", ["", "12a", "1 2", "E", "1" * 65])
def test_other_digits_are_refused(digits: str) -> None:
    with pytest.raises(InvalidRequest):
        require_digits(digits)
