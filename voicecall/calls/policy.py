"""Whether a call may be: whom we may dial, who may call us, and what digits can be sent."""

from __future__ import annotations

import re
from collections.abc import Iterator

from voicecall.calls.phone_plan import Plan, is_short_emergency, plan_of
from voicecall.calls.verdicts import DESTINATION, DO_NOT_CALL, Verdict, require_all
from voicecall.config.policy_settings import GuardSettings
from voicecall.config.schema import Settings
from voicecall.errors import InvalidRequest, PolicyRefused
from voicecall.model.phone import is_e164, mask_number

_DIGITS = re.compile(r"[0-9A-D*#wW]{1,64}", re.ASCII)
_LEVELS = ("A", "B", "C")
"""STIR/SHAKEN attestations, the strongest first."""

NOT_PAIRED = "policy.notPaired"


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
        PolicyRefused: it is the short number of an emergency service.
    """
    if not number:
        raise InvalidRequest("to required")
    if not is_e164(number):
        if is_short_emergency(number):
            raise PolicyRefused("emergency numbers are never dialled", reason=DESTINATION)
        raise InvalidRequest(
            f"to {mask_number(number)!r} is not E.164; write it as + and country code"
        )
    return number


# -- whom we may dial


def guard_destination(guard: GuardSettings, number: str) -> None:
    """Check where a call goes, before anything is asked of the network.

    Raises:
        InvalidRequest: no numbering plan has the number.
        PolicyRefused: `policy.destination` or `policy.doNotCall`.
    """
    require_all(number, destination_verdicts(guard, number))


def destination_verdicts(guard: GuardSettings, number: str) -> Iterator[Verdict]:
    """What the rules about destinations say of `number` (E.164).

    Raises:
        InvalidRequest: no numbering plan has the number.
    """
    plan = plan_of(number)
    if plan is None:
        raise InvalidRequest(
            f"to {mask_number(number)!r} is no phone number: no country has such a code"
        )
    yield _emergency(plan)
    yield _do_not_call(guard, number, plan)
    yield _prefixes(guard, number, plan)
    yield _country(guard, plan)
    yield _type(guard, plan)


def _emergency(plan: Plan) -> Verdict:
    if plan.emergency:
        why = "emergency numbers are never dialled"
        return Verdict(rule="emergency", why=why, reason=DESTINATION)
    return Verdict(rule="emergency", why="it is no emergency number")


def _do_not_call(guard: GuardSettings, number: str, plan: Plan) -> Verdict:
    rule = "outbound.guard.doNotCall"
    if {number, plan.canonical} & _canonical(guard.do_not_call):
        return Verdict(rule=rule, why="it is on the configured list", reason=DO_NOT_CALL)
    return Verdict(rule=rule, why="it is not on the configured list")


def _canonical(numbers: tuple[str, ...]) -> set[str]:
    plans = map(plan_of, numbers)
    return {*numbers, *(plan.canonical for plan in plans if plan is not None)}


def _prefixes(guard: GuardSettings, number: str, plan: Plan) -> Verdict:
    rule = "outbound.guard.denyPrefixes"
    for prefix in guard.deny_prefixes:
        if number.startswith(prefix) or plan.canonical.startswith(prefix):
            return Verdict(rule=rule, why=f"it begins with {prefix}", reason=DESTINATION)
    return Verdict(rule=rule, why="no denied prefix fits")


def _country(guard: GuardSettings, plan: Plan) -> Verdict:
    rule = "outbound.guard.countries"
    if "*" in guard.countries or plan.country in guard.countries:
        return Verdict(rule=rule, why=f"country {plan.country} may be dialled")
    why = f"country {plan.country} may not be dialled"
    return Verdict(rule=rule, why=why, reason=DESTINATION)


def _type(guard: GuardSettings, plan: Plan) -> Verdict:
    rule = "outbound.guard.denyTypes"
    kinds = plan.kinds | ({"satellite"} if plan.satellite else set())
    denied = sorted(kinds & set(guard.deny_types))
    if denied:
        return Verdict(rule=rule, why=f"{denied[0]} numbers are denied", reason=DESTINATION)
    return Verdict(rule=rule, why=f"type {', '.join(sorted(kinds)) or 'unknown'} is not denied")


# -- who may call us


def inbound_verdicts(
    settings: Settings, caller: str | None, *, attestation: str | None, paired: bool
) -> Iterator[Verdict]:
    """What the rules about callers say.

    An allowlist is a filter, not authentication: caller ids can be forged. Equality is exact;
    a withheld number is refused by every policy but `open`.

    Args:
        settings: the configuration.
        caller: the number that the carrier tells; None: withheld.
        attestation: what the carrier says of that number's truth.
        paired: whether the operator has let it join the allowlist.
    """
    rule, policy = "inboundPolicy", settings.inbound_policy
    if policy == "disabled":
        why = "nobody may call us: inboundPolicy is 'disabled'"
        yield Verdict(rule=rule, why=why, reason="policy.inboundDisabled")
        return
    yield _attested(settings, attestation)
    if policy == "open":
        yield Verdict(rule=rule, why="everybody may call us: inboundPolicy is 'open'")
    elif caller is None or not is_e164(caller):
        why = "the caller's number is withheld, or none"
        yield Verdict(rule=rule, why=why, reason="policy.anonymous")
    elif caller in settings.allow_from:
        yield Verdict(rule="allowFrom", why="it is in allowFrom")
    elif paired:
        yield Verdict(rule="pairing", why="it was paired")
    elif policy == "pairing":
        why = "it is a stranger's, who hears a code"
        yield Verdict(rule="pairing", why=why, reason=NOT_PAIRED)
    else:
        why = "it is not in allowFrom, nor was it paired"
        yield Verdict(rule="allowFrom", why=why, reason="policy.notAllowed")


def _attested(settings: Settings, attestation: str | None) -> Verdict:
    rule, least = "minAttestation", settings.min_attestation
    if least is None:
        return Verdict(rule=rule, why="no attestation is asked for")
    if attestation in _LEVELS and _LEVELS.index(attestation) <= _LEVELS.index(least):
        return Verdict(rule=rule, why=f"attestation {attestation} suffices")
    why = f"{least} is asked for, and the carrier says {attestation or 'nothing'}"
    return Verdict(rule=rule, why=why, reason="policy.attestation")
