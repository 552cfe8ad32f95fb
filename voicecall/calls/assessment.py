"""What would become of a call, and why? Every rule's word on a number, outbound and inbound."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.calls.ledger import DialLedger
from voicecall.calls.number_lists import NumberList
from voicecall.calls.pairing import is_paired
from voicecall.calls.phone_plan import is_short_emergency, plan_of
from voicecall.calls.policy import destination_verdicts, inbound_verdicts
from voicecall.calls.quiet_hours import quiet_hours_verdict
from voicecall.calls.store import Lookup
from voicecall.calls.verdicts import DESTINATION, DO_NOT_CALL, Verdict, first_refusal, require_all
from voicecall.config.schema import Settings
from voicecall.errors import InvalidRequest
from voicecall.model.phone import is_e164, mask_number
from voicecall.sdk.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the rules for one direction say; the first that says no decides."""

    verdicts: tuple[Verdict, ...]

    @property
    def refusal(self) -> Verdict | None:
        """The rule that decides against the call."""
        return first_refusal(self.verdicts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What would happen to calls to a number, and from it."""

    number: str
    outbound: Ruling
    inbound: Ruling


class Assessment:
    """Policy as it is now.

    Args:
        settings: the configuration.
        store: the lists.
        clock: quiet hours and windows.
        ledger: what was dialled.
    """

    def __init__(self, settings: Settings, store: Lookup, clock: Clock, ledger: DialLedger) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock
        self._ledger = ledger

    async def require_destination(self, number: str) -> None:
        """Check whether `number` (E.164) may be called now, whatever was dialled before.

        Raises:
            InvalidRequest: no numbering plan has the number.
            PolicyRefused: `policy.destination`, `policy.doNotCall` or `policy.quietHours`.
        """
        require_all(number, await self._destination(number))

    async def _destination(self, number: str) -> list[Verdict]:
        guard = self._settings.outbound.guard
        return [
            *destination_verdicts(guard, number),
            await self._opted_out(number),
            quiet_hours_verdict(guard.quiet_hours, number, self._clock.wall()),
        ]

    async def _opted_out(self, number: str) -> Verdict:
        plan = plan_of(number)
        canonical = number if plan is None else plan.canonical
        entry = await self._store.find_number(NumberList.DO_NOT_CALL, canonical)
        if entry is None:
            return Verdict(rule="do-not-call", why="its owner has not opted out")
        how = "an operator put it on the list" if entry.source == "operator" else "it opted out"
        return Verdict(rule="do-not-call", why=how, reason=DO_NOT_CALL)

    async def explain(self, number: str, attestation: str | None = None) -> Explanation:
        """What would happen to calls to `number` and from it; `attestation`: if it calls.

        Raises:
            InvalidRequest: it is no number.
        """
        await self._ledger.settle(self._store)
        return Explanation(
            number=number,
            outbound=Ruling(verdicts=tuple(await self._outbound(number))),
            inbound=Ruling(verdicts=tuple(await self._inbound(number, attestation))),
        )

    async def _outbound(self, number: str) -> list[Verdict]:
        if not is_e164(number) and is_short_emergency(number):
            why = "emergency numbers are never dialled"
            return [Verdict(rule="emergency", why=why, reason=DESTINATION)]
        if not is_e164(number):
            raise InvalidRequest(
                f"{mask_number(number)!r} is not E.164; write + and the country code"
            )
        caps = self._ledger.verdicts(self._settings, self._clock)
        return [*await self._destination(number), *caps]

    async def _inbound(self, number: str, attestation: str | None) -> list[Verdict]:
        paired = await is_paired(self._store, number)
        return list(
            inbound_verdicts(self._settings, number, attestation=attestation, paired=paired)
        )
