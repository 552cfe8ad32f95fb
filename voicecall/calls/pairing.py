"""How does a stranger's number join the allowlist? By a code that is heard and then approved.

Whoever hears the code is whoever made the call, and a caller's number can be forged: approving a
code says that its bearer may call from that number, not that the number is theirs.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.store import CallStore, Lookup
from voicecall.config.policy_settings import PairingSettings
from voicecall.errors import EntryNotFound, InvalidRequest, PolicyRefused
from voicecall.model.call import CallRecord
from voicecall.model.phone import is_e164, mask_number
from voicecall.sdk.clock import Clock

METADATA = {"purpose": "pairing"}
"""On the record of a call that only tells its caller a code."""

TOO_MANY = "policy.pairing"
_DIGITS = 6


async def is_paired(store: Lookup, number: str | None) -> bool:
    """Whether the operator has let `number` join the allowlist."""
    if number is None or not is_e164(number):
        return False
    return await store.find_number(NumberList.PAIRED, number) is not None


def is_pairing(record: CallRecord) -> bool:
    """Whether a call only tells its caller a code."""
    return METADATA.items() <= record.metadata.items()


def spoken(message: str, code: str) -> str:
    """`message` with its code, digit by digit."""
    return message.replace("{code}", ", ".join(code))


class Pairing:
    """The codes that strangers were told, and what became of them.

    Args:
        settings: how strangers are met.
        store: keeps codes and paired numbers.
        clock: dates codes.
    """

    def __init__(self, settings: PairingSettings, store: CallStore, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._clock = clock

    async def invite(self, number: str) -> str:
        """What the stranger `number` shall hear; durable when this returns.

        Raises:
            PolicyRefused: it has heard its code too often, or too many codes are pending.
            StoreError: nothing was promised.
        """
        pending = {entry.number: entry for entry in await self.pending()}
        known = pending.get(number)
        if known is None and len(pending) >= self._settings.max_pending:
            raise _refused(number, "too many codes are pending (pairing.maxPending)")
        if known is None:
            codes = {entry.code for entry in pending.values()}
            known = ListedNumber(number=number, at=self._clock.wall(), code=_new_code(codes))
        if known.calls >= self._settings.max_calls_per_number:
            raise _refused(number, "it has heard its code (pairing.maxCallsPerNumber)")
        await self._store.keep_number(NumberList.PENDING, replace(known, calls=known.calls + 1))
        return spoken(self._settings.message, known.code or "")

    async def pending(self) -> list[ListedNumber]:
        """The codes that can be approved, the oldest first; older ones are forgotten."""
        found = await self._store.numbers(NumberList.PENDING)
        now = self._clock.wall()
        old = [entry for entry in found if not self._is_good(entry, now)]
        for entry in old:
            await self._store.drop_number(NumberList.PENDING, entry.number)
        return [entry for entry in found if entry not in old]

    def _is_good(self, entry: ListedNumber, now: float) -> bool:
        return entry.at <= now < self.expires(entry)

    def expires(self, entry: ListedNumber) -> float:
        """Until when the code of `entry` can be approved."""
        return entry.at + self._settings.code_minutes * 60

    async def paired(self) -> list[ListedNumber]:
        """The numbers that joined the allowlist, the oldest first."""
        return await self._store.numbers(NumberList.PAIRED)

    async def approve(self, code: str) -> str:
        """Let the number that was told `code` join the allowlist, and return it.

        Raises:
            EntryNotFound: no such code is pending.
            StoreError: it did not join.
        """
        digits = "".join(filter(str.isdigit, code))
        entry = next((each for each in await self.pending() if each.code == digits), None)
        if entry is None:
            raise EntryNotFound(
                "no such code is pending (any more); 'voicecall pairing list' shows those that are"
            )
        paired = ListedNumber(number=entry.number, at=self._clock.wall(), source="operator")
        await self._store.keep_number(NumberList.PAIRED, paired)
        await self._store.drop_number(NumberList.PENDING, entry.number)
        return entry.number

    async def revoke(self, number: str) -> None:
        """Take `number` off the allowlist that pairing made, its pending code included.

        Raises:
            InvalidRequest: it is no number.
            EntryNotFound: it is neither paired nor has it a code.
            StoreError: it stays.
        """
        if not is_e164(number):
            raise InvalidRequest(f"{mask_number(number)!r} is not E.164; write + and country code")
        lists = (NumberList.PAIRED, NumberList.PENDING)
        found = [on for on in lists if await self._store.find_number(on, number) is not None]
        if not found:
            raise EntryNotFound(
                f"{mask_number(number)} is not paired; what allowFrom has is changed in the "
                "configuration"
            )
        for on in found:
            await self._store.drop_number(on, number)


def _new_code(taken: set[str | None]) -> str:
    while True:
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}"
        if code not in taken:
            return code


def _refused(number: str, why: str) -> PolicyRefused:
    return PolicyRefused(f"{mask_number(number)} is told no code: {why}", reason=TOO_MANY)
