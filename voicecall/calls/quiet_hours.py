"""Does the callee sleep? Quiet hours on the clocks of every place where a number may ring."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from voicecall.calls.phone_plan import time_zones
from voicecall.calls.verdicts import QUIET_HOURS, Verdict
from voicecall.config.policy_settings import QuietHoursSettings

RULE = "outbound.guard.quietHours"


def quiet_hours_verdict(quiet: QuietHoursSettings | None, number: str, at: float) -> Verdict:
    """Whether `number` may be called at `at` (seconds since the epoch).

    A number with several time zones is refused when it is quiet in any of them; one whose zone
    nobody knows is judged by `timeZone`, and refused without it.
    """
    if quiet is None:
        return Verdict(rule=RULE, why="no quiet hours are configured")
    zones = _known(time_zones(number)) or _known((quiet.time_zone or "",))
    if not zones:
        why = "nobody knows its time zone, and quietHours.timeZone names none for such numbers"
        return Verdict(rule=RULE, why=why, reason=QUIET_HOURS)
    moments = [datetime.fromtimestamp(at, zone) for zone in zones]
    asleep = next((moment for moment in moments if _is_quiet(quiet, moment)), None)
    if asleep is None:
        return Verdict(rule=RULE, why=f"it is {_clock(moments[0])}")
    why = f"it is {_clock(asleep)}, and quiet from {quiet.from_} to {quiet.to}"
    return Verdict(rule=RULE, why=why, reason=QUIET_HOURS)


def _known(names: tuple[str, ...]) -> list[ZoneInfo]:
    found = []
    for name in filter(None, names):
        try:
            found.append(ZoneInfo(name))
        except (OSError, ValueError, KeyError):  # a zone that this system has not heard of
            continue
    return found


def _is_quiet(quiet: QuietHoursSettings, moment: datetime) -> bool:
    now = f"{moment:%H:%M}"
    if quiet.from_ < quiet.to:
        return quiet.from_ <= now < quiet.to
    return now >= quiet.from_ or now < quiet.to


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M} in {moment.tzinfo}"
