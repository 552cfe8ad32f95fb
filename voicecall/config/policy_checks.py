"""Does what is written about who may call, and be called, make sense?"""

from __future__ import annotations

import math
from decimal import Decimal
from zoneinfo import ZoneInfo

from voicecall.config.policy_settings import QuietHoursSettings, SpendCapSettings
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.tree import Node

_QUIET = ("outbound", "guard", "quietHours")
_SPEND = ("outbound", "guard", "spendCap")


def check_policy(settings: Settings, section: Node, report: Report) -> None:
    """Report what is wrong within `outbound`, and with who may call."""
    guard = settings.outbound.guard
    _guard(settings, section, report)
    if guard.quiet_hours is not None:
        _quiet_hours(guard.quiet_hours, section, report)
    if guard.spend_cap is not None:
        _spend_cap(guard.spend_cap, settings.max_duration_seconds, section, report)
    if "{code}" not in settings.pairing.message:
        report.error(
            "pairing.message has no {code}: nobody would hear one",
            section.at(("pairing", "message")),
            suggestion='for example "Your code is: {code}."',
        )
    if settings.inbound_policy == "allowlist" and not settings.allow_from:
        report.warning(
            "inboundPolicy is 'allowlist' and allowFrom is empty: only paired numbers are let in",
            section.child("inboundPolicy"),
        )


def _guard(settings: Settings, section: Node, report: Report) -> None:
    guard = settings.outbound.guard
    for index, text in enumerate(guard.deny_prefixes):
        if not (text.startswith("+") and text[1:].isascii() and text[1:].isdigit()):
            report.error(
                f"denyPrefixes: {text!r} is no prefix of a number",
                section.at(("outbound", "guard", "denyPrefixes", index)),
                suggestion="write + and digits, for example +1900",
            )
    for index, text in enumerate(guard.countries):
        if text != "*" and not (len(text) == 2 and text.isascii() and text.isupper()):
            report.error(
                f"countries: {text!r} is no ISO 3166 code",
                section.at(("outbound", "guard", "countries", index)),
                suggestion='write two capital letters, or "*" for all',
            )


def _quiet_hours(quiet: QuietHoursSettings, section: Node, report: Report) -> None:
    if quiet.from_ == quiet.to:
        report.error(
            f"quietHours: from and to are both {quiet.to}",
            section.at((*_QUIET, "to")),
            suggestion="name the hours in which nobody is called; remove quietHours for none",
        )
    if quiet.time_zone is None:
        return
    try:
        ZoneInfo(quiet.time_zone)
    except (OSError, ValueError, KeyError):
        report.error(
            f"quietHours.timeZone: {quiet.time_zone!r} is no time zone",
            section.at((*_QUIET, "timeZone")),
            suggestion="write an IANA name, for example Europe/Berlin",
        )


def _spend_cap(cap: SpendCapSettings, longest: int, section: Node, report: Report) -> None:
    one_call = Decimal(str(cap.price_per_minute)) * math.ceil(longest / 60)
    if one_call > Decimal(str(cap.amount)):
        report.warning(
            f"spendCap.amount {cap.amount:g} {cap.currency} is less than one call of "
            f"maxDurationSeconds may cost ({one_call} {cap.currency}): no call is ever placed",
            section.at((*_SPEND, "amount")),
        )
