"""One live call: a supervised task that applies facts in order and does what follows."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import anyio
from anyio.abc import TaskGroup

from voicecall.calls import facts
from voicecall.calls.conversation import Conversation
from voicecall.calls.facts import Fact, HungUp, Timer, TimerFired
from voicecall.calls.line import Heard
from voicecall.calls.machine import decide, end_state, first_timers
from voicecall.calls.reconcile import ask_carrier
from voicecall.calls.steering import Steering
from voicecall.calls.tools import CallTools
from voicecall.calls.waiting import Settled
from voicecall.errors import CarrierCallGone, CarrierError, StoreError
from voicecall.model.call import CallRecord, CallState
from voicecall.model.call_events import CallEvent, PartialHeard
from voicecall.model.carrier_events import (
    CallEnded,
    CarrierEvent,
    DigitsPressed,
    EndCause,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
)
from voicecall.model.instructions import Answer, Instruction, OpenStream
from voicecall.sdk.provider import CarrierCall

logger = logging.getLogger(__name__)

HANG_UP_TRIES = 4
RETRY_SECONDS = 1.0
LINE_GRACE_SECONDS = 0.3
RESTORE_GRACE_SECONDS = 2.0
REMEMBERED_EVENTS = 256


class LiveCall:
    """A call that may still change. `run` is its task; everybody else tells it facts.

    Args:
        record: the call so far.
        tools: what calls are made with.
        elapsed: for a restored call: call seconds since it was answered, or created.
    """

    def __init__(self, record: CallRecord, tools: CallTools, *, elapsed: float = 0.0) -> None:
        self.record = record
        self.ended = anyio.Event()
        self._tools = tools
        self._limits = tools.limits
        self._elapsed = elapsed
        self._send, self._inbox = anyio.create_memory_object_stream[
            tuple[Fact, Settled[list[Instruction]] | None]
        ](math.inf)
        self._tasks: TaskGroup | None = None
        self._early: list[tuple[Callable[..., Coroutine[Any, Any, object]], tuple[object, ...]]]
        self._early = []
        self._timers: dict[Timer, anyio.CancelScope] = {}
        self._steering = Steering(
            self, tools.provider, by_command=not tools.steers_by_document or elapsed > 0
        )
        self._ending: HungUp | None = None
        self._words: list[facts.Said] = []
        self._owed: list[Fact] = []
        self._seen: deque[tuple[type, str]] = deque(maxlen=REMEMBERED_EVENTS)
        self._reply_scope = anyio.CancelScope()
        self.conversation = Conversation(self, tools)

    @property
    def carrier_call(self) -> CarrierCall:
        """The call as the provider needs to know it."""
        record = self.record
        return CarrierCall(
            call_id=record.call_id,
            carrier_call_id=record.carrier_call_id,
            secret=record.secret,
            direction=record.direction,
            answered=record.state.is_answered,
        )

    async def run(self) -> None:
        """Live until the call is over; returns after its end is durable."""
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                for function, args in self._early:
                    tasks.start_soon(function, *args)
                grace = RESTORE_GRACE_SECONDS if self._elapsed else 0.0
                for timer in first_timers(self.record, self._limits, self._elapsed):
                    self._arm(timer.timer, max(grace, timer.seconds))
                tasks.start_soon(self._steering.run)
                async for fact, waiting in self._inbox:
                    await self._take(fact, waiting)
                    if self.record.state.is_terminal:
                        break
                tasks.cancel_scope.cancel()
        finally:
            self._tasks = None
            self.ended.set()
            self._settle_leftovers()

    # -- telling it facts

    async def tell(self, fact: Fact) -> list[Instruction]:
        """Apply `fact`; returns when it is durable.

        Returns:
            What the carrier shall do, when the fact is an event that wants instructions.

        Raises:
            StoreError: nothing was applied.
        """
        waiting: Settled[list[Instruction]] = Settled()
        self._enqueue(fact, waiting)
        return await waiting.wait()

    def post(self, fact: Fact) -> None:
        """Apply `fact` in its order, without waiting for it."""
        self._enqueue(fact, None)

    def partial(self, text: str) -> None:
        """Publish what the caller seems to be saying; it is not stored."""
        event = PartialHeard(
            call_id=self.record.call_id, number=0, at=self._tools.clock.wall(), text=text
        )
        self._tools.bus.publish(event)

    def _enqueue(self, fact: Fact, waiting: Settled[list[Instruction]] | None) -> None:
        try:
            self._send.send_nowait((fact, waiting))
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            if waiting is not None:
                waiting.settle(self.conversation.next_instructions())

    def _settle_leftovers(self) -> None:
        while True:
            try:
                _, waiting = self._inbox.receive_nowait()
            except anyio.WouldBlock:
                break
            if waiting is not None:
                waiting.settle(self.conversation.next_instructions())
        self._inbox.close()
        self._send.close()

    # -- applying them

    async def _take(self, fact: Fact, waiting: Settled[list[Instruction]] | None) -> None:
        if isinstance(fact, TimerFired) and self._timers.pop(fact.timer, None) is None:
            return
        if isinstance(fact, CarrierEvent) and (type(fact), fact.key) in self._seen:
            if waiting is not None:
                waiting.settle(self._instructions_for(fact))
            return
        fact = self._with_intention(fact)
        try:
            effects = await self._apply(fact)
        except Exception as error:
            if waiting is not None:
                waiting.fail(error)
            if not isinstance(error, StoreError):
                raise
            logger.error("a call event could not be stored", extra={"error": str(error)})
            if waiting is None and not isinstance(fact, facts.Speaking):
                self._owed.append(fact)
                self.spawn(self._post_owed)
            return
        try:
            self._follow(fact, effects)
        except Exception as error:
            if waiting is not None:
                waiting.fail(error)
            raise
        if waiting is not None:
            waiting.settle(self._instructions_for(fact))

    def _follow(self, fact: Fact, effects: Sequence[facts.Effect]) -> None:
        for effect in effects:
            self._perform(effect)
        if isinstance(fact, CarrierEvent):
            self._seen.append((type(fact), fact.key))
            self._react(fact)

    async def _post_owed(self) -> None:
        """A full disk delays what nobody waits for; only where we stand in a turn is let go."""
        await self._tools.clock.sleep(RETRY_SECONDS)
        owed, self._owed = self._owed, []
        for fact in owed:
            self.post(fact)

    def _with_intention(self, fact: Fact) -> Fact:
        """An end that we asked for is recorded as what we asked for."""
        ours = (EndCause.COMPLETED, EndCause.CANCELED)
        if isinstance(fact, CallEnded) and self._ending is not None and fact.cause in ours:
            return replace(self._ending, detail=self._ending.detail or fact.detail)
        return fact

    async def _apply(self, fact: Fact) -> tuple[facts.Effect, ...]:
        record, events = self.record, list[CallEvent]()
        at = self._tools.clock.wall()
        for each in [*await self._last_words(fact), fact]:
            decision = decide(record, each, at=at, limits=self._limits)
            record = decision.record
            events += decision.events
        if events:
            await self._tools.store.append(events)
        self.record = record
        for event in events:
            self._tools.bus.publish(event)
        return decision.effects

    async def _last_words(self, fact: Fact) -> list[Fact]:
        """When `fact` ends the call: what is still to be stored, and what was heard of us."""
        if isinstance(fact, CallEnded):
            self._words += await self.conversation.close(end_state(self.record, fact))
        elif isinstance(fact, HungUp):
            self._words += await self.conversation.close(fact.state)
        else:
            return []
        return [*self._owed, *self._words]

    def _instructions_for(self, fact: Fact) -> list[Instruction]:
        if not (isinstance(fact, CarrierEvent) and fact.wants_instructions):
            return []
        return self._steering.for_document() or self.conversation.next_instructions()

    def _perform(self, effect: facts.Effect) -> None:
        match effect:
            case facts.Arm(timer=timer, seconds=seconds):
                self._arm(timer, seconds)
            case facts.Disarm(timer=timer):
                self._disarm(timer)
            case facts.HangUpNow(state=state, detail=detail):
                self.hang_up(state, detail)
            case facts.TakeLine():
                self.conversation.take_line()
            case facts.HoldOpening():
                self.conversation.hold_opening()
            case facts.SpeakOpening():
                self.conversation.release_opening()

    def _react(self, event: CarrierEvent) -> None:
        """What a carrier event means for the conversation, beside the record."""
        native = self.conversation.native
        match event:
            case SpeechEnded(turn=turn, complete=complete) if native is not None:
                native.spoken(turn, complete=complete)
            case NothingHeard(turn=turn) if native is not None:
                native.listened(turn)
            case SpeechHeard(text=text, is_final=False):
                self.partial(text)
            case SpeechHeard(text=text, turn=turn) if native is not None:
                self._hear(Heard(text=text.strip(), turn=turn, transcript_at=self._wall()))
                native.listened(turn)
            case DigitsPressed(digits=digits, turn=turn):
                self.conversation.keyed(digits, turn)
            case StreamChanged(change=StreamChange.FAILED):
                self.conversation.stream_failed()
        if not self._tools.steers_by_document:
            # Nobody comes for instructions when a listening turn is over.
            self.conversation.listen_again()

    def _hear(self, heard: Heard) -> None:
        if self.conversation.takes(heard):
            self._reply_scope.cancel()
            self._reply_scope = anyio.CancelScope()
            self.spawn(self._reply_in, self._reply_scope, heard)

    async def _reply_in(self, scope: anyio.CancelScope, heard: Heard) -> None:
        with scope:
            await self.conversation.reply(heard)

    def _wall(self) -> float:
        return self._tools.clock.wall()

    # -- tasks and timers

    def spawn(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run `function` as one of the call's tasks; nothing happens after the call's end."""
        if self._tasks is not None:
            self._tasks.start_soon(function, *args)
        elif not self.ended.is_set():
            self._early.append((function, args))

    def _arm(self, timer: Timer, seconds: float) -> None:
        self._disarm(timer)
        scope = self._timers[timer] = anyio.CancelScope()
        self.spawn(self._run_timer, timer, seconds, scope)

    def _disarm(self, timer: Timer) -> None:
        scope = self._timers.pop(timer, None)
        if scope is not None:
            scope.cancel()

    async def _run_timer(self, timer: Timer, seconds: float, scope: anyio.CancelScope) -> None:
        with scope:
            await self._tools.clock.sleep(seconds)
            self.post(TimerFired(timer=timer))

    @property
    def armed(self) -> frozenset[Timer]:
        """The timers that run now."""
        return frozenset(self._timers)

    # -- the carrier

    def deliver(self, instructions: Sequence[Instruction]) -> None:
        """Hand `instructions` to the carrier: in the answer that it waits for, or by command."""
        self._steering.deliver(instructions)

    async def refused(self, batch: Sequence[Instruction], error: Exception) -> None:
        """The carrier did not carry out `batch`: whoever waits for its effect is told."""
        self.conversation.refused(batch, str(error))
        if isinstance(error, CarrierCallGone):
            await self._note_missed()
        elif any(isinstance(each, Answer | OpenStream) for each in batch):
            if isinstance(error, CarrierError) and error.retryable:
                self.spawn(self._reconcile_later)
            else:
                self.hang_up(CallState.ERROR, f"the carrier refused a voice on the call: {error}")

    async def _reconcile_later(self) -> None:
        await self._tools.clock.sleep(RETRY_SECONDS)
        await self.reconcile()

    def hang_up(self, state: CallState, detail: str | None = None) -> None:
        """End the call at the carrier, once; afterwards it is recorded as `state`."""
        if self._ending is None:
            self._ending = HungUp(state=state, detail=detail)
            self.spawn(self._hang_up, state, detail)

    async def _hang_up(self, state: CallState, detail: str | None) -> None:
        for attempt in range(1, HANG_UP_TRIES + 1):
            try:
                await self._tools.provider.hang_up(self.carrier_call)
                break
            except CarrierCallGone:
                break
            except Exception as error:
                known = isinstance(error, CarrierError)
                logger.warning("hang-up failed", exc_info=not known, extra={"attempt": attempt})
                if attempt == HANG_UP_TRIES:
                    detail = f"the carrier could not be told to hang up: {error}"
                else:
                    await self._tools.clock.sleep(RETRY_SECONDS * attempt)
        await self.insist(HungUp(state=state, detail=detail))

    async def insist(self, fact: Fact) -> None:
        """Tell `fact` until it is durable; a full disk delays it, nothing loses it."""
        while True:
            try:
                await self.tell(fact)
                return
            except StoreError:
                await self._tools.clock.sleep(RETRY_SECONDS)

    def line_lost(self) -> None:
        """Find out what became of a call without its stream."""
        self.spawn(self._after_line_loss)

    async def _after_line_loss(self) -> None:
        await self._tools.clock.sleep(LINE_GRACE_SECONDS)
        if not self.conversation.has_line:
            await self.reconcile()

    async def reconcile(self) -> None:
        """Ask the carrier: note that the call is over, or get a voice on it again."""
        missed = await self._note_missed()
        if not missed and self.record.state.is_answered:
            self.conversation.regain_line()

    async def _note_missed(self) -> bool:
        """Whether the carrier told something that we had missed."""
        missed = await ask_carrier(self._tools.provider, self.carrier_call)
        if missed is not None:
            await self.insist(missed)
        return missed is not None
