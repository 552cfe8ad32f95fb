"""What does policy do for dials, and what do operators tell it?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.calls.assessment import Assessment, Explanation
from voicecall.calls.number_lists import ListedNumber, NumberList
from voicecall.calls.pairing import Pairing
from voicecall.calls.phone_plan import plan_of
from voicecall.calls.rates import Pace
from voicecall.calls.tools import CallTools
from voicecall.errors import (
    CapacityExceeded,
    Draining,
    EntryNotFound,
    InvalidRequest,
    StoreError,
)
from voicecall.model.call_events import CallCreated
from voicecall.model.phone import is_e164, mask_number

_NOT_STORED = (CapacityExceeded, Draining, StoreError)
"""With these, placing a call leaves nothing behind."""


class PolicyDesk:
    """Policy of one gateway.

    Args:
        tools: the configuration, the store, the clock and the ledger.
    """

    def __init__(self, tools: CallTools) -> None:
        self._tools = tools
        self._pace = Pace(tools.clock)

    def adopt(self, tools: CallTools) -> None:
        """Put another configuration in force; what was dialled still counts."""
        self._tools = tools

    async def recall(self) -> None:
        """Count what earlier gateways dialled."""
        await self._tools.ledger.recall(self._tools.store, self._tools.settings, self._tools.clock)

    @property
    def _assessment(self) -> Assessment:
        tools = self._tools
        return Assessment(tools.settings, tools.store, tools.clock, tools.ledger)

    # -- dialling

    async def require_destination(self, number: str) -> None:
        """See `Assessment.require_destination`."""
        await self._assessment.require_destination(number)

    @asynccontextmanager
    async def dialling(self, wish: CallCreated) -> AsyncIterator[None]:
        """Count the dial `wish` and wait for its turn; the block places it.

        Raises:
            PolicyRefused: `policy.rate` or `policy.spend`, or what has come up while it waited.
        """
        tools = self._tools
        if tools.settings.outbound.guard.spend_cap is not None:
            await tools.ledger.settle(tools.store)
        tools.ledger.reserve(wish.call_id, tools.settings, tools.clock)
        try:
            await self._pace.turn(tools.settings.outbound.guard)
            # Who opted out while this waited is not called any more.
            await self.require_destination(wish.to_number or "")
        except BaseException:
            tools.ledger.release(wish.call_id)
            raise
        try:
            yield
        except _NOT_STORED:
            tools.ledger.release(wish.call_id)
            raise

    # -- what operators ask and tell

    async def explain(self, number: str, attestation: str | None = None) -> Explanation:
        """See `Assessment.explain`."""
        return await self._assessment.explain(number, attestation)

    @property
    def configured_do_not_call(self) -> tuple[str, ...]:
        """The numbers of `outbound.guard.doNotCall`."""
        return self._tools.settings.outbound.guard.do_not_call

    async def do_not_call(self) -> list[ListedNumber]:
        """The numbers that are not called again, the oldest first; without those that only the
        configuration names."""
        return await self._tools.store.numbers(NumberList.DO_NOT_CALL)

    async def add_do_not_call(self, number: str) -> str:
        """Never call `number` again; returns it as it is listed.

        Raises:
            InvalidRequest: it is no number.
            StoreError: it may still be called.
        """
        canonical = _canonical(number)
        known = await self._tools.store.find_number(NumberList.DO_NOT_CALL, canonical)
        if known is None:
            at = self._tools.clock.wall()
            entry = ListedNumber(number=canonical, at=at, source="operator")
            await self._tools.store.keep_number(NumberList.DO_NOT_CALL, entry)
        return canonical

    async def remove_do_not_call(self, number: str) -> str:
        """Let `number` be called again; returns it as it was listed.

        Raises:
            InvalidRequest: it is no number.
            EntryNotFound: it is not on the list.
            StoreError: it stays there.
        """
        canonical = _canonical(number)
        if await self._tools.store.find_number(NumberList.DO_NOT_CALL, canonical) is None:
            raise EntryNotFound(
                f"{mask_number(canonical)} has not opted out; what outbound.guard.doNotCall has is "
                "changed in the configuration"
            )
        await self._tools.store.drop_number(NumberList.DO_NOT_CALL, canonical)
        return canonical

    @property
    def pairing(self) -> Pairing:
        """The codes of strangers."""
        tools = self._tools
        return Pairing(tools.settings.pairing, tools.store, tools.clock)


def _canonical(number: str) -> str:
    if not is_e164(number):
        raise InvalidRequest(f"{mask_number(number)!r} is not E.164; write + and country code")
    plan = plan_of(number)
    return number if plan is None else plan.canonical
