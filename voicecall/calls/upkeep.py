"""Is the call still up, and how is it ended? What is asked of the carrier beside instructions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import anyio

from voicecall.calls import faults
from voicecall.calls.control import CallControl
from voicecall.calls.conversation import Conversation
from voicecall.calls.facts import Fact, HungUp
from voicecall.calls.reconcile import ask_carrier, missed
from voicecall.calls.stream_losses import MOST_LOSSES, StreamLosses
from voicecall.calls.tools import CallTools
from voicecall.config.hiding import hiding
from voicecall.errors import CarrierCallGone, CarrierError, StoreError
from voicecall.model.call import CallState, Direction
from voicecall.model.carrier_events import CallEnded, EndCause
from voicecall.model.instructions import (
    Answer,
    Gather,
    Instruction,
    OpenStream,
    SendDigits,
    StopSpeaking,
)
from voicecall.sdk.provider import CarrierCall, CarrierCallStatus, Live

logger = logging.getLogger(__name__)

HANG_UP_TRIES = 4
RETRY_SECONDS = 1.0
LINE_GRACE_SECONDS = 0.3
STORE_SECONDS = 5.0
"""How long whoever ends a call waits for its end to be stored once the carrier was told."""


class Kept(CallControl, Protocol):
    """The call that is kept up."""

    conversation: Conversation

    @property
    def carrier_call(self) -> CarrierCall:
        """The call as the provider needs to know it."""
        ...

    async def tell(self, fact: Fact) -> list[Instruction]:
        """Apply `fact`; returns when it is durable."""
        ...


class Upkeep:
    """Keeps one call up, and ends it.

    Args:
        call: the call.
        tools: what calls are made with.
    """

    def __init__(self, call: Kept, tools: CallTools) -> None:
        self._call = call
        self._tools = tools
        self._ending: HungUp | None = None
        self._hung_up = anyio.Event()
        self._losses = StreamLosses()

    # -- ending it

    def hang_up(self, state: CallState, detail: str | None) -> None:
        """End the call at the carrier, once; afterwards it is recorded as `state`."""
        if self._ending is None:
            self._ending = HungUp(state=state, detail=detail)
            self._call.spawn(self._hang_up, state, detail)

    def intended(self, fact: Fact) -> Fact:
        """An end that we asked for is recorded as what we asked for."""
        ours = (EndCause.COMPLETED, EndCause.CANCELED)
        if isinstance(fact, CallEnded) and self._ending is not None and fact.cause in ours:
            return replace(self._ending, detail=self._ending.detail or fact.detail)
        return fact

    async def _hang_up(self, state: CallState, detail: str | None) -> None:
        for attempt in range(1, HANG_UP_TRIES + 1):
            try:
                await self._tools.provider.hang_up(self._call.carrier_call)
                break
            except CarrierCallGone:
                break
            except Exception as error:
                faults.tell(logger, "a hang-up", error, attempt=attempt, of=HANG_UP_TRIES)
                if attempt == HANG_UP_TRIES:
                    detail = f"the carrier could not be told to hang up: {error}"
                else:
                    await self._tools.clock.sleep(RETRY_SECONDS * attempt)
        self._hung_up.set()
        await self.insist(HungUp(state=state, detail=detail and hiding.secrets(detail)))

    async def over(self, ended: anyio.Event) -> None:
        """Wait until `ended` is set, which is when the end is stored.

        Raises:
            StoreError: the call is over at the carrier, and that cannot be stored for now.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._give_up_storing, tasks.cancel_scope)
            await ended.wait()
            tasks.cancel_scope.cancel()
        if not ended.is_set():
            raise StoreError(
                "the call is over, and that cannot be stored now; make room on the disk of the "
                "state directory, and it is stored then"
            )

    async def _give_up_storing(self, waiting: anyio.CancelScope) -> None:
        await self._hung_up.wait()
        await self._tools.clock.sleep(STORE_SECONDS)
        waiting.cancel()

    async def insist(self, fact: Fact) -> None:
        """Tell `fact` until it is durable; a full disk delays it, nothing loses it."""
        while True:
            try:
                await self._call.tell(fact)
                return
            except StoreError:
                await self._tools.clock.sleep(RETRY_SECONDS)

    # -- keeping it up

    async def refused(self, batch: Sequence[Instruction], error: Exception) -> None:
        """The carrier did not carry out `batch`: whoever waits for its effect is told."""
        conversation = self._call.conversation
        kinds = {type(each) for each in batch}
        again = isinstance(error, CarrierError) and error.retryable
        conversation.gone = isinstance(error, CarrierCallGone)
        conversation.refused(batch, str(error))
        if conversation.gone:
            await self.note_missed()
            conversation.gone = False
        elif Answer in kinds or (OpenStream in kinds and conversation.line is None):
            if again or SendDigits in kinds:
                self._call.spawn(self._reconcile_later)
            else:
                detail = f"the carrier refused a voice on the call: {error}"
                self.hang_up(CallState.ERROR, detail)
        elif Gather in kinds and again:
            self._call.spawn(self._listen_later)

    async def _reconcile_later(self) -> None:
        await self._tools.clock.sleep(RETRY_SECONDS)
        await self.reconcile()

    async def _listen_later(self) -> None:
        await self._tools.clock.sleep(RETRY_SECONDS)
        self._call.conversation.listen_again()

    def line_lost(self, reason: str, lasted: float | None) -> None:
        """Find out what became of a call without its stream.

        Args:
            reason: why there is none.
            lasted: how long there was one, in call seconds; None: it is not the stream that failed.
        """
        pause = 0.0 if lasted is None else self._losses.pause_after(lasted)
        self._call.spawn(self._after_line_loss, reason, pause)

    async def _after_line_loss(self, reason: str, pause: float | None) -> None:
        await self._tools.clock.sleep(LINE_GRACE_SECONDS + (pause or 0.0))
        if self._call.conversation.line is not None:
            return
        if pause is None:
            await self._give_up(reason)
            return
        await self.reconcile()
        if self._call.record.is_live:
            logger.info("media stream lost", extra={"reason": reason})

    async def _give_up(self, reason: str) -> None:
        """Every stream is lost at once: end a call on which nobody is heard."""
        await self.note_missed()
        detail = f"{MOST_LOSSES} media streams in a row were lost at once; the last: {reason}"
        self.hang_up(CallState.ERROR, detail)

    async def reconcile(self) -> None:
        """Ask the carrier: note what we missed, or get a voice on the call again."""
        status = await ask_carrier(self._tools.provider, self._call.carrier_call)
        if not await self._note(status):
            self._go_on(status)

    async def note_missed(self) -> None:
        """Ask the carrier: note what we missed."""
        await self._note(await ask_carrier(self._tools.provider, self._call.carrier_call))

    async def _note(self, status: CarrierCallStatus) -> bool:
        event = missed(status, self._call.carrier_call)
        if event is not None:
            await self.insist(event)
        return event is not None

    def _go_on(self, status: CarrierCallStatus) -> None:
        record = self._call.record
        if record.state.is_answered:
            if self._may_be_speaking:
                self._call.deliver([StopSpeaking()])
            self._call.conversation.regain_line()
        elif record.is_live and isinstance(status, Live) and self._must_be_answered:
            # It was accepted and stored, and perhaps nobody came to answer it.
            self._call.deliver([Answer()])

    @property
    def _may_be_speaking(self) -> bool:
        """Whether the carrier may still say for a former gateway what will be said anew."""
        speaks = self._tools.open_stream is None and not self._tools.steers_by_document
        return speaks and self._call.conversation.line is None and not self._call.record.greeted

    @property
    def _must_be_answered(self) -> bool:
        inbound = self._call.record.direction is Direction.INBOUND
        return inbound and not self._tools.steers_by_document
