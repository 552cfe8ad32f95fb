"""One live call: a supervised task that applies facts in order and does what follows."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from voicecall.calls import facts
from voicecall.calls.carrier_ear import CarrierEar
from voicecall.calls.conversation import Conversation
from voicecall.calls.facts import Fact, HungUp, Timer, TimerFired
from voicecall.calls.log_context import concerns
from voicecall.calls.machine import decide, end_state, first_timers
from voicecall.calls.steering import Steering
from voicecall.calls.timers import Timers
from voicecall.calls.tools import CallTools
from voicecall.calls.upkeep import RETRY_SECONDS, Upkeep
from voicecall.calls.waiting import Settled, within
from voicecall.errors import StoreError
from voicecall.model.call import CallRecord, CallState, TranscriptLine
from voicecall.model.call_events import CallEvent, PartialHeard
from voicecall.model.carrier_events import CallEnded, CarrierEvent
from voicecall.model.instructions import Instruction
from voicecall.model.phone import mask_number
from voicecall.sdk.provider import CarrierCall

logger = logging.getLogger(__name__)

RESTORE_GRACE_SECONDS = 12.0
"""A timer that ran out while we were away waits for what the carrier says: a request may take ten
seconds, and a call that was answered meanwhile is not to be given up as unanswered."""
REMEMBERED_EVENTS = 256
FIRST_WORD_SECONDS = 5.0
"""How soon a call rings whose order got no answer, and which its carrier cannot be asked after."""


class LiveCall:
    """A call that may still change. `run` is its task; everybody else tells it facts.

    Args:
        record: the call so far.
        tools: what calls are made with.
        elapsed: for a restored call: call seconds since it was answered, or created.
    """

    def __init__(self, record: CallRecord, tools: CallTools, *, elapsed: float = 0.0) -> None:
        self.record = record
        self.tools = tools
        self.ended = anyio.Event()
        self._named = anyio.Event()
        self._tools = tools
        self._limits = tools.limits
        self._elapsed = elapsed
        self._send, self._inbox = anyio.create_memory_object_stream[
            tuple[Fact, Settled[list[Instruction]] | None]
        ](math.inf)
        self._tasks: TaskGroup | None = None
        self._early: list[tuple[Callable[..., Coroutine[Any, Any, object]], tuple[object, ...]]]
        self._early = []
        self._timers = Timers(tools.clock, self.spawn, self.post)
        self._steering = Steering(
            self,
            tools.provider,
            by_command=not tools.steers_by_document or elapsed > 0,
            digits_by_command=tools.digits_by_command,
        )
        self._upkeep = Upkeep(self, tools)
        self._words: list[facts.Said | facts.Timed] = []
        self._posted: list[facts.Said] = []
        self._owed: list[Fact] = []
        self._seen: deque[tuple[type, str]] = deque(maxlen=REMEMBERED_EVENTS)
        self.conversation = Conversation(self, tools)
        self._ear = CarrierEar(self, tools)

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

    @property
    def lines(self) -> list[TranscriptLine]:
        """What was said so far, also what is still on its way into the record."""
        now = self._tools.clock.wall()
        coming = (
            TranscriptLine(timestamp=now, speaker=said.speaker, text=said.text, heard=said.heard)
            for said in self._posted
        )
        return [*self.record.transcript, *coming]

    def _log(self, what: str) -> None:
        record = self.record
        numbers = {"from": record.from_number, "to": record.to_number}
        beside = {name: mask_number(number) for name, number in numbers.items() if number}
        about = {"direction": record.direction.value, "state": record.state.value, **beside}
        logger.info(what, extra=about)

    async def run(self) -> None:
        """Live until the call is over; returns after its end is durable."""
        concerns(self.record.call_id)
        self._log("a call begins" if self._elapsed == 0 else "a call is taken up again")
        try:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                for function, args in self._early:
                    tasks.start_soon(function, *args)
                grace = RESTORE_GRACE_SECONDS if self._elapsed else 0.0
                for timer in first_timers(self.record, self._limits, self._elapsed):
                    self._timers.arm(timer.timer, max(grace, timer.seconds))
                tasks.start_soon(self._steering.run)
                async for fact, waiting in self._inbox:
                    await self._take(fact, waiting)
                    if self.record.state.is_terminal:
                        break
                tasks.cancel_scope.cancel()
            self._log("a call has ended")
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
        if isinstance(fact, facts.Said) and all(each is not fact for each in self._posted):
            self._posted.append(fact)
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
        if isinstance(fact, TimerFired) and not self._timers.take(fact.timer):
            return
        if isinstance(fact, CarrierEvent) and (type(fact), fact.key) in self._seen:
            if waiting is not None:
                waiting.settle(self._instructions_for(fact))
            return
        fact = self._upkeep.intended(fact)
        try:
            effects = await self._apply(fact)
        except Exception as error:
            if waiting is not None:
                waiting.fail(error)
            if not isinstance(error, StoreError):
                raise
            logger.error("a call event could not be stored", extra={"error": str(error)})
            if self._is_owed(fact, waiting):
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

    def _is_owed(self, fact: Fact, waiting: Settled[list[Instruction]] | None) -> bool:
        """Whether nobody else brings `fact` again: a carrier soon stops telling that it ended."""
        if isinstance(fact, CallEnded):
            return fact not in self._owed
        return waiting is None and not isinstance(fact, facts.Speaking)

    def _follow(self, fact: Fact, effects: Sequence[facts.Effect]) -> None:
        for effect in effects:
            self._perform(effect)
        if isinstance(fact, CarrierEvent):
            self._seen.append((type(fact), fact.key))
            self._ear.hear(fact)

    async def _post_owed(self) -> None:
        """A full disk delays what nobody waits for; only where we stand in a turn is let go."""
        await self._tools.clock.sleep(RETRY_SECONDS)
        owed, self._owed = self._owed, []
        for fact in owed:
            self.post(fact)

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
        if record.carrier_ids:
            self._named.set()
        over = not record.is_live
        self._posted = [] if over else [said for said in self._posted if said is not fact]
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
        owed = [each for each in self._owed if not isinstance(each, CallEnded)]
        on_their_way = (said for said in self._posted if all(said is not each for each in owed))
        return [*owed, *on_their_way, *self._words]

    def _instructions_for(self, fact: Fact) -> list[Instruction]:
        if not (isinstance(fact, CarrierEvent) and fact.wants_instructions):
            return []
        return self._steering.for_document() or self.conversation.next_instructions()

    def _perform(self, effect: facts.Effect) -> None:
        match effect:
            case facts.Arm(timer=timer, seconds=seconds):
                self._timers.arm(timer, seconds)
            case facts.Disarm(timer=timer):
                self._timers.disarm(timer)
            case facts.HangUpNow(state=state, detail=detail):
                self.hang_up(state, detail)
            case facts.TakeLine():
                self.conversation.take_line()
            case facts.HoldOpening():
                self.conversation.greeting.hold()
            case facts.SpeakOpening():
                self.conversation.greeting.release()

    # -- tasks and timers

    def spawn(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run `function` as one of the call's tasks; nothing happens after the call's end."""
        if self._tasks is not None:
            self._tasks.start_soon(function, *args)
        elif not self.ended.is_set():
            self._early.append((function, args))

    @property
    def armed(self) -> frozenset[Timer]:
        """The timers that run now."""
        return self._timers.armed

    # -- the carrier

    def answering(self) -> AbstractContextManager[None]:
        """While a webhook is in work whose answer steers the call."""
        return self._steering.answering()

    def deliver(self, instructions: Sequence[Instruction]) -> None:
        """Hand `instructions` to the carrier: in the answer that it waits for, or by command."""
        self._steering.deliver(instructions)

    def withdraw_speech(self) -> bool:
        """Take back what should be spoken and listened to, if it has not left."""
        return self._steering.withdraw_speech()

    async def refused(self, batch: Sequence[Instruction], error: Exception) -> None:
        """The carrier did not carry out `batch`: whoever waits for its effect is told."""
        await self._upkeep.refused(batch, error)

    def hang_up(self, state: CallState, detail: str | None = None) -> None:
        """End the call at the carrier, once; afterwards it is recorded as `state`."""
        self._upkeep.hang_up(state, detail)

    async def over(self) -> None:
        """Wait until the call, which was hung up, has ended, and that is stored.

        Raises:
            StoreError: it is over at the carrier, and that cannot be stored for now.
        """
        await self._upkeep.over(self.ended)

    async def first_word(self) -> None:
        """Wait until the carrier has named the call in a webhook, but not for long."""
        await within(FIRST_WORD_SECONDS, self._tools.clock, self._named.wait)

    async def insist(self, fact: Fact) -> None:
        """Tell `fact` until it is durable; a full disk delays it, nothing loses it."""
        await self._upkeep.insist(fact)

    def line_lost(self, reason: str, *, lasted: float | None = None) -> None:
        """Find out what became of a call without its stream."""
        self._upkeep.line_lost(reason, lasted)

    async def reconcile(self) -> None:
        """Ask the carrier: note what we missed, or get a voice on the call again."""
        await self._upkeep.reconcile()
