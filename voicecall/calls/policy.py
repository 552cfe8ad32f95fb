"""Whether a call may be: inbound policy, and what may be dialled at all."""

from __future__ import annotations

import re

from voicecall.config.schema import GuardSettings, Settings
from voicecall.errors import InvalidRequest, PolicyRefused
from voicecall.model.carrier_events import CallOffered
from voicecall.model.phone import is_e164, mask_number

_DIGITS = re.compile(r"[0-9A-D*#wW]{1,64}", re.ASCII)
_REGION_TYPES = {
    "premium-rate": "PREMIUM_RATE",
    "shared-cost": "SHARED_COST",
    "uan": "UAN",
    "voicemail": "VOICEMAIL",
}
_SATELLITE_CODES = (870, 881, 882, 883)


def refuse_inbound(settings: Settings, offered: CallOffered) -> str | None:
    """Why an inbound call is refused, machine-readable; None: it is accepted.

    An allowlist is a filter, not authentication: caller ids can be forged. Equality is exact;
    a withheld number is refused by every policy but `open`.
    """
    if settings.inbound_policy == "open":
        return None
    if settings.inbound_policy == "disabled":
        return "policy.inboundDisabled"
    caller = offered.from_number
    if caller is None or not is_e164(caller):
        return "policy.anonymous"
    return None if caller in settings.allow_from else "policy.notAllowed"


def require_digits(digits: str) -> str:
    """`digits` if they can be sent.

    Raises:
        InvalidRequest: empty, too long, or not ``0-9 A-D * # w W``.
    """
    if _DIGITS.fullmatch(digits) is None:
        raise InvalidRequest("digits must be 1 to 64 of 0-9 A-D * # w W")
    return digits


def require_number(number: str | None) -> str:
    """`number` if it is E.164.

    Raises:
        InvalidRequest: missing or malformed.
    """
    if not number:
        raise InvalidRequest("to required")
    if not is_e164(number):
        raise InvalidRequest(
            f"to {mask_number(number)!r} is not E.164; write it as + and country code"
        )
    return number


def guard_destination(guard: GuardSettings, number: str) -> None:
    """Check where a call goes, before anything is asked of the network.

    Raises:
        PolicyRefused: `policy.destination` or `policy.doNotCall`.
    """
    import phonenumbers  # slow to import, and only needed when somebody dials

    if number in guard.do_not_call:
        raise PolicyRefused(f"{mask_number(number)} must not be called", reason="policy.doNotCall")
    if any(number.startswith(prefix) for prefix in guard.deny_prefixes):
        raise _denied(number, "its prefix is denied (outbound.guard.denyPrefixes)")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise InvalidRequest(f"to {mask_number(number)!r} is no phone number: {error}") from error
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    exact = phonenumbers.region_code_for_number(parsed) or region
    if phonenumbers.is_emergency_number(str(parsed.national_number), exact):
        raise _denied(number, "emergency numbers are never dialled")
    if "*" not in guard.countries and exact not in guard.countries:
        raise _denied(number, f"country {exact} is not in outbound.guard.countries")
    if "satellite" in guard.deny_types and parsed.country_code in _SATELLITE_CODES:
        raise _denied(number, "satellite numbers are denied (outbound.guard.denyTypes)")
    kind = phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(parsed))
    for name in guard.deny_types:
        if _REGION_TYPES.get(name) == kind:
            raise _denied(number, f"{name} numbers are denied (outbound.guard.denyTypes)")


def _denied(number: str, why: str) -> PolicyRefused:
    return PolicyRefused(f"{mask_number(number)} is not called: {why}", reason="policy.destination")
