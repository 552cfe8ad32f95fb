"""All calls: admits them, finds them for events, supervises their tasks, restores them."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

import anyio
from anyio.abc import TaskGroup

from voicecall.calls import faults
from voicecall.calls.conversation import Conversation
from voicecall.calls.facts import DialAccepted, DialFailed, HungUp
from voicecall.calls.fold import create, fold
from voicecall.calls.live import LiveCall
from voicecall.calls.machine import decide
from voicecall.calls.persona import ended_call
from voicecall.calls.reception import Reception
from voicecall.calls.reconcile import ask_carrier
from voicecall.calls.tools import CallTools
from voicecall.calls.upkeep import RETRY_SECONDS
from voicecall.config.hiding import hiding
from voicecall.errors import (
    CapacityExceeded,
    CarrierError,
    CarrierUnreachable,
    Draining,
    StoreError,
)
from voicecall.model.call import CallRecord, CallState, Direction
from voicecall.model.call_events import CallCreated
from voicecall.model.carrier_events import CallAnswered, CallOffered, CallRenamed, CarrierEvent
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.model.instructions import HangUp, Instruction, Reject
from voicecall.sdk.provider import CallOrder, CarrierCall, Ended, Live, Unknown
from voicecall.sdk.signatures import same

logger = logging.getLogger(__name__)

REMEMBERED_ENDS = 1000
AFTERWORD_SECONDS = 5.0
"""How long a responder may take to note that a call is over."""
CARRIER_GRACE_SECONDS = 5.0
"""How much later than we the carrier ends a long call: its end would not tell why."""
SETTLE_SECONDS = 10.0
"""At shutdown, how long the carrier may take to end what is left."""


class CallManager:
    """Every live call of this gateway.

    Args:
        tools: what calls are made with.
        tasks: where the calls' tasks run.
    """

    def __init__(self, tools: CallTools, tasks: TaskGroup) -> None:
        self._tools = tools
        self._tasks = tasks
        self._live: dict[CallId, LiveCall] = {}
        self._by_carrier: dict[CarrierCallId, CallId] = {}
        self._reserved = 0
        self._ended_again: deque[CallId] = deque(maxlen=REMEMBERED_ENDS)
        self._reception = Reception(self, tools, tasks)
        self.draining = False

    def adopt(self, tools: CallTools) -> None:
        """Make the calls to come with `tools`; those that are live keep theirs."""
        self._tools = tools
        self._reception.adopt(tools)

    # -- finding

    def live(self, call_id: CallId) -> LiveCall | None:
        """The live call `call_id`, None when it is not live."""
        return self._live.get(call_id)

    @property
    def all_live(self) -> list[LiveCall]:
        """Every live call, oldest first."""
        live = (call for call in self._live.values() if call.record.is_live)
        return sorted(live, key=lambda call: call.record.started_at)

    def desk(self, call_id: CallId) -> Conversation | None:
        """The desk of a live call, for media sockets."""
        call = self._live.get(call_id)
        return None if call is None else call.conversation

    def owns(self, call_id: CallId, carrier_call_id: CarrierCallId) -> bool:
        """Whether the live call `call_id` is known to the carrier as `carrier_call_id`."""
        call = self._live.get(call_id)
        return call is not None and carrier_call_id in call.record.carrier_ids

    async def resolve(self, any_id: str) -> CallId | None:
        """Our id of a call, live or ended, from ours or the carrier's."""
        if any_id in self._live:
            return CallId(any_id)
        known = self._by_carrier.get(CarrierCallId(any_id))
        return known or await self._tools.store.resolve(any_id)

    def know(self, carrier_call_id: CarrierCallId, call: LiveCall) -> None:
        """Remember, while `call` lives, under which id its next events will come."""
        if call.record.call_id in self._live:
            self._by_carrier[carrier_call_id] = call.record.call_id

    async def record(self, call_id: CallId) -> CallRecord | None:
        """The record of a call, live or ended."""
        call = self._live.get(call_id)
        if call is not None:
            return call.record
        events = await self._tools.store.events(call_id)
        return fold(events) if events else None

    # -- admission

    def require_admission(self) -> None:
        """Check that one more call may be.

        Raises:
            Draining: the gateway is shutting down.
            CapacityExceeded: `maxConcurrentCalls` are live or being dialled.
        """
        if self.draining:
            raise Draining("draining: the gateway is shutting down and places no calls")
        limit = self._tools.settings.max_concurrent_calls
        if len(self.all_live) + self._reserved >= limit:
            raise CapacityExceeded(
                f"{limit} live calls are the limit (maxConcurrentCalls); end one or raise it"
            )

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A place among the live calls until the call itself takes it."""
        self.require_admission()
        self._reserved += 1
        try:
            yield
        finally:
            self._reserved -= 1

    # -- outbound

    async def place(self, wish: CallCreated) -> CallRecord:
        """Make the outbound call `wish` durable, then dial.

        Returns when the carrier has accepted it.

        Raises:
            Draining, CapacityExceeded: not admitted.
            StoreError: nothing was dialled.
            CarrierError: it was not dialled; the record is terminal.
        """
        async with self.slot():
            # A call that is in the store is live, whoever stops waiting for this.
            with anyio.CancelScope(shield=True):
                await self._tools.store.append([wish])
                call = self.begin(create(wish))
                self._tools.bus.publish(wish)
        with anyio.CancelScope(shield=True):
            await self._dial(call)
        return call.record

    async def _dial(self, call: LiveCall) -> None:
        try:
            carrier_id = await self._tools.provider.place_call(self._order(call.record))
        except CarrierUnreachable as error:
            await self._settle_unknown_dial(call, error)
        except CarrierError as error:
            await call.insist(DialFailed(detail=hiding.secrets(str(error))))
            raise
        except Exception as error:
            logger.exception("the provider failed while dialling")
            await self._settle_unknown_dial(call, _broken(self._tools.provider_name, error))
        else:
            self.know(carrier_id, call)
            await call.insist(DialAccepted(carrier_call_id=carrier_id))
            call.conversation.greeting.prepare()
            if carrier_id not in call.record.carrier_ids:
                # It was ended before the carrier had taken the order.
                late = replace(call.carrier_call, carrier_call_id=carrier_id)
                self._tasks.start_soon(self._hang_up_quietly, late)

    async def _settle_unknown_dial(self, call: LiveCall, error: CarrierUnreachable) -> None:
        """Nobody knows whether it was dialled: ask, or wait for its ringing; never dial again."""
        status = await ask_carrier(self._tools.provider, call.carrier_call)
        if isinstance(status, Unknown):
            await call.first_word()
        if isinstance(status, Live) or call.record.carrier_ids:
            return
        await call.insist(DialFailed(detail=hiding.secrets(str(error))))
        self._tasks.start_soon(self._hang_up_quietly, call.carrier_call)
        raise error

    def _order(self, record: CallRecord) -> CallOrder:
        limits = self._tools.limits
        return CallOrder(
            call_id=record.call_id,
            secret=record.secret,
            to_number=record.to_number or "",
            from_number=record.from_number,
            ring_timeout_seconds=limits.ring,
            max_duration_seconds=limits.max_duration + CARRIER_GRACE_SECONDS,
            dtmf_sequence=record.dtmf_sequence,
            detect_machine=self._tools.detect_machine,
            await_beep=self._tools.detect_machine and not limits.hangs_up_on_machine(record.mode),
        )

    # -- what carriers tell

    async def apply(self, events: Sequence[CarrierEvent]) -> list[Instruction]:
        """Apply what a webhook said; returns when it is durable.

        Returns:
            What the carrier shall do, when one of the events wants instructions.

        Raises:
            StoreError: the webhook must not be acknowledged.
        """
        wanted = any(event.wants_instructions for event in events)
        answer: list[Instruction] = []
        with ExitStack() as answering:
            for position, event in enumerate(events, start=1):
                # What the first event calls for waits for the answer, which the last one fetches:
                # when one of them cannot be stored, the retry finds it there.
                asks = wanted and position == len(events)
                call = await self._call_of(event)
                if call is not None and wanted:
                    answering.enter_context(call.answering())
                answer = await self._apply_one(replace(event, wants_instructions=asks), call)
        return answer if wanted else []

    async def _call_of(self, event: CarrierEvent) -> LiveCall | None:
        call_id = await self._find(event)
        return None if call_id is None else self._live.get(call_id)

    async def _apply_one(self, event: CarrierEvent, call: LiveCall | None) -> list[Instruction]:
        if call is None:
            return await self._of_no_live_call(event)
        if _other_leg(call.record, event):
            return []
        self.know(event.carrier_call_id, call)
        if isinstance(event, CallOffered) and call.record.direction is Direction.INBOUND:
            return await self._reception.welcome(call, event)
        return await call.tell(event)

    async def _of_no_live_call(self, event: CarrierEvent) -> list[Instruction]:
        call_id = await self._find(event)
        record = None if call_id is None else await self.record(call_id)
        if record is not None:
            if isinstance(event, CallAnswered) and not _other_leg(record, event):
                self._end_again(record, event)
            return [Reject()] if record.refused else [HangUp()]
        if isinstance(event, CallOffered) and event.call_id is None:
            return [] if self._leg_of_ours(event) else await self._reception.offered(event)
        logger.info("event of an unknown call", extra={"kind": type(event).__name__})
        return [HangUp()]

    def _leg_of_ours(self, offer: CallOffered) -> bool:
        """Whether the carrier dials this only to connect a caller whom we transfer."""
        outbound = offer.direction is Direction.OUTBOUND or offer.placed_elsewhere
        return outbound and any(
            call.conversation.left_to == offer.to_number for call in self._live.values()
        )

    def _end_again(self, record: CallRecord, event: CallAnswered) -> None:
        """A call that has ended for us was answered: by command it is ended there too, once."""
        if self._tools.steers_by_document or record.call_id in self._ended_again:
            return
        self._ended_again.append(record.call_id)
        call = CarrierCall(
            call_id=record.call_id,
            carrier_call_id=event.carrier_call_id,
            secret=record.secret,
            direction=record.direction,
            answered=True,
        )
        self._tasks.start_soon(self._end_unless_over, call)

    async def _end_unless_over(self, call: CarrierCall) -> None:
        if not isinstance(await ask_carrier(self._tools.provider, call), Ended):
            await self._hang_up_quietly(call)

    async def _find(self, event: CarrierEvent) -> CallId | None:
        if event.call_id is not None:
            record = await self.record(event.call_id)
            if record is not None and _secret_fits(record, event):
                return event.call_id
        if isinstance(event, CallRenamed):
            return await self.resolve(event.previous_id)
        return await self.resolve(event.carrier_call_id)

    # -- supervising

    def begin(self, record: CallRecord, *, elapsed: float = 0.0) -> LiveCall:
        call = LiveCall(record, self._tools, elapsed=elapsed)
        call.tools.holders.take()
        self._live[record.call_id] = call
        self._tasks.start_soon(self._supervise, call)
        return call

    async def _supervise(self, call: LiveCall) -> None:
        try:
            await call.run()
        except Exception:
            logger.exception("a call failed; it is ended")
            await self._give_up(call)
        finally:
            self._live.pop(call.record.call_id, None)
            self._by_carrier = {
                carrier_id: known
                for carrier_id, known in self._by_carrier.items()
                if known != call.record.call_id
            }
        await _tell_responder(call.record, call.tools)
        call.tools.holders.give_back()

    async def _give_up(self, call: LiveCall) -> None:
        """End a call whose own task is gone, so that no zombie is left."""
        if call.record.state.is_terminal:
            return
        await self._hang_up_quietly(call.carrier_call)
        fact = HungUp(state=CallState.ERROR, detail="internal error; see the log")
        decision = decide(call.record, fact, at=self._tools.clock.wall(), limits=self._tools.limits)
        while True:
            try:
                await self._tools.store.append(decision.events)
                break
            except StoreError as error:
                logger.error("an end could not be stored", extra={"error": str(error)})
                await self._tools.clock.sleep(RETRY_SECONDS)
        call.record = decision.record
        for event in decision.events:
            self._tools.bus.publish(event)

    async def _hang_up_quietly(self, call: CarrierCall) -> None:
        try:
            await self._tools.provider.hang_up(call)
        except Exception as error:
            faults.tell(logger, "a hang-up", error)

    async def restore(self) -> list[LiveCall]:
        """Take up the calls that were live when the last gateway went; nothing is dialled."""
        calls = []
        for events in await self._tools.store.live():
            record = fold(events)
            since = record.answered_at or record.started_at
            clock = self._tools.clock
            elapsed = max(0.0, clock.wall() - since) * clock.scale
            call = self.begin(record, elapsed=max(elapsed, 1e-6))
            for carrier_id in record.carrier_ids:
                self.know(carrier_id, call)
            calls.append(call)
        return calls

    async def settle(self, drain_seconds: float) -> None:
        """Admit nothing more; let calls end by themselves, then end what is left."""
        self.draining = True
        with anyio.move_on_after(drain_seconds):
            for call in self.all_live:
                await call.ended.wait()
        for call in self.all_live:
            call.hang_up(CallState.HANGUP_BOT, "the gateway shut down")
        with anyio.move_on_after(SETTLE_SECONDS):
            for call in self.all_live:
                await call.ended.wait()


async def _tell_responder(record: CallRecord, tools: CallTools) -> None:
    """Its memory of the call is complete only now; also while the gateway shuts down."""
    if tools.responder is None or not record.state.is_terminal:
        return
    try:
        with anyio.fail_after(AFTERWORD_SECONDS, shield=True):
            await tools.responder.call_ended(ended_call(record, tools.settings))
    except (Exception, SystemExit):
        logger.exception("the responder failed to take note of an ended call")


def _broken(provider: str, error: Exception) -> CarrierUnreachable:
    text = f"provider {provider!r} failed while dialling: {type(error).__name__}; see the log"
    unknown = CarrierUnreachable(text)
    unknown.__cause__ = error
    return unknown


def _other_leg(record: CallRecord, event: CarrierEvent) -> bool:
    """Whether `event` is about the other end of a transfer, which the carrier counts as ours."""
    if record.transferred_to is None or isinstance(event, CallRenamed):
        return False
    return event.carrier_call_id not in (*record.carrier_ids, record.call_id)


def _secret_fits(record: CallRecord, event: CarrierEvent) -> bool:
    if event.call_secret is None or same(record.secret, event.call_secret):
        return True
    logger.warning("an event named a call without its secret")
    return False
