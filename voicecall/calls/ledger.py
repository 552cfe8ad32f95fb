"""How often was dialled within a day, and for how much? Counted from the store, kept up since.

Every intent to dial is in the store before the dialling, so counting from the store at the start
is enough for a restart not to pass the caps. Windows run on a clock that never jumps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from voicecall.calls.fold import fold
from voicecall.calls.store import Lookup
from voicecall.calls.verdicts import RATE, SPEND, Verdict, first_refusal
from voicecall.config.policy_settings import SpendCapSettings
from voicecall.config.schema import Settings
from voicecall.errors import PolicyRefused
from voicecall.model.call import CallRecord, Direction
from voicecall.model.ids import CallId
from voicecall.sdk.clock import Clock

HOUR = 3600.0
DAY = 24 * HOUR
_TRANSFER = "transfer of "


@dataclass(slots=True)
class _Dial:
    """One dial: when, in real seconds, and its minutes, reserved until it is settled."""

    at: float
    minutes: int
    settled: bool = False


class DialLedger:
    """The dials of the last 24 hours. A transfer is a dial, too."""

    def __init__(self) -> None:
        self._dials: dict[str, _Dial] = {}

    async def recall(self, store: Lookup, settings: Settings, clock: Clock) -> None:
        """Count what earlier gateways dialled."""
        wall, now = clock.wall(), real_now(clock)
        for events in await store.since(wall - DAY):
            record = fold(events)
            at = now - max(0.0, wall - record.started_at)
            dial = _Dial(at, longest_minutes(settings))
            for key in _keys_of(record):
                self._dials[key] = _settled(dial, record)

    async def settle(self, store: Lookup) -> None:
        """Put what ended calls really lasted in the place of what was reserved for them."""
        for key, dial in list(self._dials.items()):
            if not dial.settled:
                events = await store.events(CallId(key.removeprefix(_TRANSFER)))
                if events and key in self._dials:
                    self._dials[key] = _settled(dial, fold(events))

    def reserve(self, call_id: CallId, settings: Settings, clock: Clock) -> None:
        """Count a dial that is about to be, at its longest.

        Raises:
            PolicyRefused: `policy.rate` or `policy.spend`; nothing was counted.
        """
        self._reserve(call_id, settings, clock)

    def reserve_transfer(self, call_id: CallId, settings: Settings, clock: Clock) -> None:
        """As `reserve`, for the second leg of a call."""
        self._reserve(_TRANSFER + call_id, settings, clock)

    def _reserve(self, key: str, settings: Settings, clock: Clock) -> None:
        refusal = first_refusal(self.verdicts(settings, clock))
        if refusal is not None and refusal.reason is not None:
            why = f"not dialled now: {refusal.why} ({refusal.rule}); try later or raise it"
            raise PolicyRefused(why, reason=refusal.reason)
        self._dials[key] = _Dial(real_now(clock), longest_minutes(settings))

    def release(self, call_id: CallId) -> None:
        """It was not dialled, and nothing of it is stored."""
        self._dials.pop(call_id, None)

    def verdicts(self, settings: Settings, clock: Clock) -> tuple[Verdict, ...]:
        """What one more dial would meet."""
        now, guard = real_now(clock), settings.outbound.guard
        self._dials = {key: dial for key, dial in self._dials.items() if dial.at > now - DAY}
        hour = sum(1 for dial in self._dials.values() if dial.at > now - HOUR)
        return (
            _count("maxCallsPerDay", len(self._dials), guard.max_calls_per_day, "24 hours"),
            _count("maxCallsPerHour", hour, guard.max_calls_per_hour, "an hour"),
            self._spend(guard.spend_cap, longest_minutes(settings)),
        )

    def _spend(self, cap: SpendCapSettings | None, longest: int) -> Verdict:
        rule = "outbound.guard.spendCap"
        if cap is None:
            return Verdict(rule=rule, why="no spending cap is configured")
        price, amount = Decimal(str(cap.price_per_minute)), Decimal(str(cap.amount))
        spent = price * sum(dial.minutes for dial in self._dials.values())
        why = (
            f"{spent} of {amount} {cap.currency} are spent or reserved within 24 hours, "
            f"and a call may cost {price * longest}"
        )
        over = spent + price * longest > amount
        return Verdict(rule=rule, why=why, reason=SPEND if over else None)


def longest_minutes(settings: Settings) -> int:
    """The minutes, as carriers count them, of a call of `maxDurationSeconds`."""
    return math.ceil(settings.max_duration_seconds / 60)


def real_now(clock: Clock) -> float:
    """Now, in real seconds on the clock that never jumps."""
    return clock.now() / clock.scale


def _keys_of(record: CallRecord) -> Iterable[str]:
    if record.direction is Direction.OUTBOUND:
        yield record.call_id
    if record.transferred_to is not None:
        yield _TRANSFER + record.call_id


def _settled(dial: _Dial, record: CallRecord) -> _Dial:
    """`dial` with what its call lasted, once that is known; begun minutes are whole ones."""
    if record.ended_at is None:
        return dial
    if record.answered_at is None:
        return _Dial(dial.at, 0, settled=True)
    lasted = max(1.0, record.ended_at - record.answered_at)
    return _Dial(dial.at, math.ceil(lasted / 60), settled=True)


def _count(key: str, dialled: int, most: int, window: str) -> Verdict:
    why = f"{dialled} of {most} calls were dialled within {window}"
    return Verdict(rule=f"outbound.guard.{key}", why=why, reason=RATE if dialled >= most else None)
