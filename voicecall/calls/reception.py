"""Who is let in? Calls that begin at the carrier: accepted, or refused and recorded as refused.

Under the policy `pairing` a stranger is answered by a call that says a code and hangs up.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from voicecall.calls import faults
from voicecall.calls.facts import PickedUp
from voicecall.calls.fold import create, evolve, fold
from voicecall.calls.live import LiveCall
from voicecall.calls.pairing import METADATA, Pairing, is_paired
from voicecall.calls.policy import NOT_PAIRED, inbound_verdicts
from voicecall.calls.tools import CallTools
from voicecall.calls.verdicts import first_refusal
from voicecall.errors import CapacityExceeded, Draining, PolicyRefused
from voicecall.model.call import CallMode, CallRecord, CallState, Direction
from voicecall.model.call_events import CallCreated, CallFinished, CarrierIdLearned
from voicecall.model.carrier_events import CallOffered
from voicecall.model.ids import CallId, CarrierCallId, new_call_id
from voicecall.model.instructions import Answer, HangUp, Instruction, Reject
from voicecall.sdk.provider import CarrierCall

logger = logging.getLogger(__name__)


class House(Protocol):
    """The calls that a new one joins."""

    def live(self, call_id: CallId) -> LiveCall | None:
        """The live call `call_id`."""
        ...

    async def resolve(self, any_id: str) -> CallId | None:
        """Our id of a call."""
        ...

    def slot(self) -> AbstractAsyncContextManager[None]:
        """A place among the live calls.

        Raises:
            Draining, CapacityExceeded: there is none.
        """
        ...

    def begin(self, record: CallRecord) -> LiveCall:
        """Let a call live."""
        ...

    def know(self, carrier_call_id: CarrierCallId, call: LiveCall) -> None:
        """Remember under which id the events of `call` will come."""
        ...


class Reception:
    """Meets calls that the carrier offers.

    Args:
        house: the calls of this gateway.
        tools: what calls are made with.
        tasks: where what the carrier need not wait for runs.
    """

    def __init__(self, house: House, tools: CallTools, tasks: TaskGroup) -> None:
        self._house = house
        self._tools = tools
        self._tasks = tasks
        self._creating = anyio.Lock()

    def adopt(self, tools: CallTools) -> None:
        """Make the calls to come with `tools`."""
        self._tools = tools

    async def offered(self, event: CallOffered) -> list[Instruction]:
        """Accept or refuse, once, however often the offer comes.

        Raises:
            StoreError: the offer must come again.
        """
        async with self._creating:
            known = await self._house.resolve(event.carrier_call_id)
            if known is None:
                return await self._meet(event)
            call = self._house.live(known)
            return [HangUp()] if call is None else await self.welcome(call, event)

    async def welcome(self, call: LiveCall, event: CallOffered) -> list[Instruction]:
        """Answer an accepted call where that is done in the answer to its offer."""
        if event.direction is Direction.OUTBOUND or not self._tools.steers_by_document:
            return await call.tell(event)
        await call.tell(PickedUp())
        return [Answer(), *await call.tell(event)]

    async def _meet(self, event: CallOffered) -> list[Instruction]:
        elsewhere = event.direction is Direction.OUTBOUND or event.placed_elsewhere
        reason = None if elsewhere else await self._refusal(event)
        if reason in (None, NOT_PAIRED):
            try:
                call = await self._admit(event, stranger=reason is not None)
            except CapacityExceeded:
                reason = "policy.capacity"
            except Draining:
                reason = "policy.draining"
            except PolicyRefused as error:
                reason = error.reason
            else:
                return await self.welcome(call, event)
        await self._refuse(event, reason)
        return [Reject()]

    async def _refusal(self, event: CallOffered) -> str | None:
        """Why the caller is not let in, machine-readable."""
        caller, tools = event.from_number, self._tools
        verdicts = inbound_verdicts(
            tools.settings,
            caller,
            attestation=event.attestation,
            paired=await is_paired(tools.store, caller),
        )
        refusal = first_refusal(verdicts)
        return None if refusal is None else refusal.reason

    async def _invitation(self, event: CallOffered) -> str:
        tools = self._tools
        pairing = Pairing(tools.settings.pairing, tools.store, tools.clock)
        return await pairing.invite(event.from_number or "")

    async def _admit(self, event: CallOffered, *, stranger: bool) -> LiveCall:
        async with self._house.slot():
            # A call that is in the store is live, whoever stops waiting for this.
            with anyio.CancelScope(shield=True):
                told = await self._invitation(event) if stranger else None
                created, learned = self._first_events(event, told)
                await self._tools.store.append([created, learned])
            call = self._house.begin(evolve(create(created), learned))
        self._house.know(event.carrier_call_id, call)
        self._tools.bus.publish(created)
        self._tools.bus.publish(learned)
        if event.direction is Direction.INBOUND and not self._tools.steers_by_document:
            call.deliver([Answer()])
        call.conversation.greeting.prepare()
        return call

    async def _refuse(self, event: CallOffered, reason: str) -> None:
        created, learned = self._first_events(event)
        finished = CallFinished(
            call_id=created.call_id,
            number=3,
            at=created.at,
            state=CallState.REJECTED,
            refused=reason,
        )
        await self._tools.store.append([created, learned, finished])
        for each in (created, learned, finished):
            self._tools.bus.publish(each)
        if not self._tools.steers_by_document:
            record = fold([created, learned, finished])
            self._tasks.start_soon(self._reject_by_command, record)

    async def _reject_by_command(self, record: CallRecord) -> None:
        call = CarrierCall(
            call_id=record.call_id,
            carrier_call_id=record.carrier_call_id,
            secret=record.secret,
            direction=record.direction,
            answered=False,
        )
        try:
            await self._tools.provider.command(call, [Reject()])
        except Exception as error:
            faults.tell(logger, "the refusal of a caller", error)

    def _first_events(
        self, event: CallOffered, told: str | None = None
    ) -> tuple[CallCreated, CarrierIdLearned]:
        """How the call begins; with `told` it says only that, and hangs up."""
        at = self._tools.clock.wall()
        call_id = new_call_id()
        created = CallCreated(
            call_id=call_id,
            number=1,
            at=at,
            provider=self._tools.provider_name,
            direction=event.direction,
            mode=CallMode.CONVERSATION if told is None else CallMode.NOTIFY,
            from_number=event.from_number,
            to_number=event.to_number,
            message=told,
            metadata={} if told is None else METADATA,
            secret=secrets.token_urlsafe(16),
            attestation=event.attestation,
        )
        learned = CarrierIdLearned(
            call_id=call_id, number=2, at=at, carrier_call_id=event.carrier_call_id
        )
        return created, learned
