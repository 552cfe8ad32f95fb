"""Which numbers are refused before anything is asked of the network? (Acceptance 37)"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneNumberType

from voicecall.calls.policy import guard_destination, require_digits, require_number
from voicecall.config.policy_settings import GuardSettings
from voicecall.errors import InvalidRequest, PolicyRefused
from voicecall.service import CallRequest

DENIED = {
    PhoneNumberType.PREMIUM_RATE: 150,
    PhoneNumberType.SHARED_COST: 53,
    PhoneNumberType.UAN: 62,
    PhoneNumberType.VOICEMAIL: 15,
}
"""Type → of so many regions phonenumbers had an example when this was written."""
OTHERS = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER,
    PhoneNumberType.PAGER,
)
NOWHERE = ("+870301234567", "+881612345678", "+8823421234", "+883510012345")
SERVICES = ("+80812345678", "+979123456789", "+97900000000", "+88812345678901")


def examples(kind: int) -> list[str]:
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]
    return [
        phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        for number in found
        if number is not None
    ]


def emergencies() -> Iterator[str]:
    """The emergency numbers of every region, from its short numbers' metadata."""
    for region in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        if metadata and metadata.emergency and metadata.emergency.example_number:
            yield metadata.emergency.example_number


def refusal(guard: GuardSettings, number: str) -> str:
    with pytest.raises(PolicyRefused) as refused:
        guard_destination(guard, number if number.startswith("+") else require_number(number))
    assert number not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("kind", DENIED, ids=PhoneNumberType.to_string)
def test_acceptance_37_costly_numbers_of_every_region_are_refused(kind: int) -> None:
    numbers = examples(kind)
    assert len(numbers) >= DENIED[kind]
    assert {refusal(GuardSettings(), number) for number in numbers} == {"policy.destination"}


@pytest.mark.parametrize("kind", OTHERS, ids=PhoneNumberType.to_string)
def test_acceptance_37_other_numbers_of_every_region_are_dialled(kind: int) -> None:
    for number in examples(kind):
        guard_destination(GuardSettings(), number)


@pytest.mark.parametrize("number", [*NOWHERE, *SERVICES])
def test_acceptance_37_numbers_of_no_country_that_cost_more_are_refused(number: str) -> None:
    assert refusal(GuardSettings(), number) == "policy.destination"


def test_acceptance_37_emergency_numbers_of_every_region_are_refused_in_every_spelling() -> None:
    shorts = set(emergencies()) | {"911", "112", "999", "000", "110", "119"}
    assert len(shorts) > 30
    for short in shorts:
        for spelling in (short, f"tel:{short}", f"00{short}", "-".join(short), f" {short} "):
            assert refusal(GuardSettings(), spelling) == "policy.destination", spelling


@pytest.mark.parametrize(
    "text",
    ["+1911", "+49112", "+44999", "sip:911@carrier.example", "９１１", "٩١١", "+1 (911)", "+61000"],
)
def test_acceptance_37_an_emergency_number_behind_a_country_code_is_one(text: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        require_number(text)
    assert refused.value.reason == "policy.destination"


@pytest.mark.parametrize("between", ["", "0", "00"])
def test_acceptance_37_emergency_numbers_behind_the_code_of_their_country_are_refused(
    between: str,
) -> None:
    for region in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region)
        code = phonenumbers.country_code_for_region(region)
        if code and metadata and metadata.emergency and metadata.emergency.example_number:
            spelling = f"+{code}{between}{metadata.emergency.example_number}"
            with pytest.raises(PolicyRefused) as refused:
                guard_destination(GuardSettings(), require_number(spelling))
            assert refused.value.reason == "policy.destination", spelling


@pytest.mark.parametrize("number", ["+19112345678", "+4911212345", "+61000111222"])
def test_acceptance_37_digits_behind_an_emergency_number_change_nothing(number: str) -> None:
    assert refusal(GuardSettings(), number) == "policy.destination"


def test_acceptance_37_countries_off_the_list_are_refused() -> None:
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    numbers = [
        phonenumbers.example_number_for_type(each, PhoneNumberType.MOBILE) for each in regions
    ]
    guard = GuardSettings(countries=("DE",))
    for number in filter(None, numbers):
        text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.region_code_for_number(number) == "DE":
            guard_destination(guard, text)
        else:
            assert refusal(guard, text) == "policy.destination"


def test_a_number_that_nobody_has_belongs_to_the_country_whose_code_it_begins_with() -> None:
    guard_destination(GuardSettings(countries=("US",)), "+15550002222")
    assert refusal(GuardSettings(countries=("US",)), "+18765550000") == "policy.destination"


@pytest.mark.parametrize(
    "number",
    ["+19001234567", "+19000000000", "+190055512345", "+1900555123499", "+4409098790000"],
)
def test_a_number_that_only_begins_like_a_costly_one_is_refused(number: str) -> None:
    assert refusal(GuardSettings(), number) == "policy.destination"


@pytest.mark.parametrize("number", ["+4915123456789", "+49015123456789"])
def test_a_number_that_must_not_be_called_is_not_however_it_is_written(number: str) -> None:
    guard = GuardSettings(do_not_call=("+4915123456789",))
    assert refusal(guard, number) == "policy.doNotCall"


def test_a_denied_prefix_is_denied_also_with_a_trunk_zero_between() -> None:
    guard = GuardSettings(deny_prefixes=("+49151",))
    assert refusal(guard, "+49015123456789") == "policy.destination"


def test_a_country_code_that_nobody_has_is_no_phone_number() -> None:
    with pytest.raises(InvalidRequest, match="no country"):
        guard_destination(GuardSettings(), "+9990000000")


@pytest.mark.parametrize("text", ["", "5550002222", "+0123456789", "+1555٠٠٠2222", "tel:+1555"])
def test_what_is_not_e164_is_not_dialled(text: str) -> None:
    with pytest.raises(InvalidRequest):
        require_number(text)


@pytest.mark.parametrize("digits", ["", "12a", "1 2", "E", "1" * 65])
def test_other_digits_are_refused(digits: str) -> None:
    with pytest.raises(InvalidRequest):
        require_digits(digits)


@pytest.mark.parametrize("number", ["911", "+19005551234", *NOWHERE[:1], "+448457123456"])
def test_acceptance_37_what_is_refused_reaches_neither_store_nor_network(
    gateway: Any, virtually: Any, number: str
) -> None:
    async def main() -> None:
        async with gateway() as world:
            with pytest.raises(PolicyRefused) as refused:
                await world.service.initiate(CallRequest(to_number=number, message="Hi"))
            assert refused.value.reason == "policy.destination"
            assert world.carrier.orders == []
            assert await world.service.history(5) == []

    virtually(main)
