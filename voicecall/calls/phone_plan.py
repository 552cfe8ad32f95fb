"""What kind of number is it? Country, type and time zones, as the numbering plans have them.

Everything here is a lookup in phonenumbers' tables, and nothing asks the network. The library is
slow to import, so it is imported when somebody dials.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

SATELLITE_CODES = (870, 881, 882, 883)
"""Inmarsat, global mobile satellite systems, and the codes of international networks."""

UNKNOWN_ZONE = "Etc/Unknown"
"""How phonenumbers says that a number tells no time zone."""

LONGEST_SHORT_NUMBER = 6
LONGEST_SPELLING = 128
"""What is longer is no number, however it is spelt."""
_AROUND = re.compile(r"^\s*(?:tel|sips?|callto):|[@;?].*$", re.IGNORECASE | re.DOTALL)
_KIND_OF_CODE = {808: "shared-cost", 979: "premium-rate"}
"""International services that have a country code for themselves, see ITU-T E.164.2."""
_OVERDIALLED = 4
"""So many digits too many are looked behind: some carriers drop them and dial the rest."""
_TELLING_DIGITS = 3
"""So many digits after the country code tell the type of a number that is not valid."""
_FILLERS = "25"
"""Subscriber numbers that are valid under nearly every plan are made of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the numbering plans say of a number.

    Args:
        canonical: E.164 as it is dialled in the end, without a trunk zero between.
        country: ISO 3166 code, ``001`` for numbers of no country.
        kinds: its types: ``premium-rate`` and so on; of a number that is not valid those of the
            numbers that it begins like.
        satellite: whether a satellite or an international network answers.
        emergency: whether carriers may take it as a call to the emergency services.
    """

    canonical: str
    country: str
    kinds: frozenset[str]
    satellite: bool
    emergency: bool


@lru_cache(maxsize=256)
def plan_of(number: str) -> Plan | None:
    """What is known of `number` (E.164); None: no numbering plan has it."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    code = parsed.country_code or 0
    canonical = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Plan(
        canonical=canonical,
        country=_country(parsed, code),
        kinds=frozenset(_kinds(canonical, code)),
        satellite=code in SATELLITE_CODES,
        emergency=_is_emergency_of(number, parsed, code),
    )


def time_zones(number: str) -> tuple[str, ...]:
    """IANA names of every zone in which `number` (E.164) may ring; empty: nobody knows."""
    import phonenumbers
    from phonenumbers import timezone

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    zones = tuple(z for z in timezone.time_zones_for_number(parsed) if z != UNKNOWN_ZONE)
    return zones or _zones_of_code(str(parsed.country_code))


def is_short_emergency(text: str) -> bool:
    """Whether `text`, which is no E.164 number, dials the emergency services of any country.

    Also ``tel:112``, ``+1911``, digits of other scripts, and letters between.
    """
    import phonenumbers

    if len(text) > LONGEST_SPELLING:
        return False
    digits = phonenumbers.normalize_digits_only(_AROUND.sub("", text))
    return any(
        phonenumbers.is_emergency_number(short, region)
        for short, regions in _shorts(digits)
        if 1 < len(short) <= LONGEST_SHORT_NUMBER
        for region in regions
    )


def _shorts(digits: str) -> Iterator[tuple[str, Iterable[str]]]:
    """What may be dialled by `digits`, and where: as they are, and behind a country code, also
    with trunk zeros between."""
    import phonenumbers

    for start in (digits, digits.removeprefix("00"), digits.removeprefix("011")):
        yield start, phonenumbers.SUPPORTED_SHORT_REGIONS
        for length in (1, 2, 3):
            regions = phonenumbers.region_codes_for_country_code(int(start[:length] or 0))
            yield from ((each, regions) for each in _without_zeros(start[length:]))


def _without_zeros(national: str) -> Iterator[str]:
    """`national` as it is, and without its leading zeros, of which carriers drop some."""
    zeros = len(national) - len(national.lstrip("0"))
    return (national[dropped:] for dropped in range(zeros + 1))


def _country(parsed: PhoneNumber, code: int) -> str:
    """The country; of a number that is not valid, the one whose leading digits it has."""
    import phonenumbers
    from phonenumbers import PhoneMetadata

    exact = phonenumbers.region_code_for_number(parsed)
    if exact:
        return str(exact)
    national = phonenumbers.national_significant_number(parsed)
    for region in phonenumbers.region_codes_for_country_code(code):
        metadata = PhoneMetadata.metadata_for_region(region, None)
        leading = metadata and metadata.leading_digits
        if leading and re.match(leading, national):
            return str(region)
    return str(phonenumbers.region_code_for_country_code(code))


def _kinds(canonical: str, code: int) -> Iterator[str]:
    """Its type; of a number that is not valid, the types of its nearest valid neighbours."""
    if code in _KIND_OF_CODE:
        yield _KIND_OF_CODE[code]
    for candidates in _neighbours(canonical, 1 + len(str(code))):
        found = {kind for candidate in candidates if (kind := _kind(candidate))}
        if found:
            yield from found
            return


def _neighbours(canonical: str, prefix: int) -> Iterator[tuple[str, ...]]:
    """The number itself, what is left without digits too many, then what begins like it."""
    shorter = [canonical[: len(canonical) - n] for n in range(_OVERDIALLED + 1)]
    yield from ((each,) for each in shorter)
    for kept in range(len(canonical) - 1, prefix + _TELLING_DIGITS - 1, -1):
        yield tuple(
            each[:kept] + digit * (len(each) - kept)
            for each in shorter
            if len(each) > kept
            for digit in _FILLERS
        )


def _kind(number: str) -> str | None:
    import phonenumbers

    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        return None
    return str(phonenumbers.PhoneNumberType.to_string(kind)).lower().replace("_", "-")


def _is_emergency_of(number: str, parsed: PhoneNumber, code: int) -> bool:
    """By its own digits, or by the first of them where no subscriber has such a number."""
    import phonenumbers

    national = {
        phonenumbers.national_significant_number(parsed),
        *_without_zeros(number.removeprefix(f"+{code}")),
    }
    regions = phonenumbers.region_codes_for_country_code(code)
    if any(phonenumbers.is_emergency_number(n, r) for n in national for r in regions):
        return True
    return not phonenumbers.is_valid_number(parsed) and any(
        phonenumbers.connects_to_emergency_number(n, r) for n in national for r in regions
    )


@lru_cache(maxsize=64)
def _zones_of_code(code: str) -> tuple[str, ...]:
    """Every zone of a country code, for numbers that no plan has."""
    import phonenumbers
    from phonenumbers.tzdata import TIMEZONE_DATA

    found = {
        zone
        for prefix, zones in TIMEZONE_DATA.items()
        if prefix.startswith(code)
        for zone in zones
        if zone != UNKNOWN_ZONE
    }
    return tuple(sorted(found)) if int(code) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE else ()
