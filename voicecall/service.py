"""The application: everything that can be done with calls, whichever door it came through."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import anyio

from voicecall.calls.fold import fold
from voicecall.calls.live import LiveCall
from voicecall.calls.manager import CallManager
from voicecall.calls.policy import require_digits, require_number
from voicecall.calls.policy_desk import PolicyDesk
from voicecall.calls.tools import CallTools
from voicecall.errors import (
    CallNotFound,
    CallStateError,
    CarrierCallGone,
    InvalidRequest,
    KeyConflict,
)
from voicecall.model.call import CallMode, CallRecord, CallState, Direction
from voicecall.model.call_events import CallCreated, CallEvent, CallFinished
from voicecall.model.ids import CallId, new_call_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRequest:
    """A wish for an outbound call. `to_number` None: the configured `toNumber`."""

    to_number: str | None = None
    message: str | None = None
    mode: CallMode | None = None
    dtmf_sequence: str | None = None
    session_key: str | None = None
    idempotency_key: str | None = None


class Service(Protocol):
    """What every door calls. `call_id` is ours or the carrier's."""

    async def initiate(self, request: CallRequest) -> CallId:
        """Place a call; returns when it is durable and accepted by the carrier.

        Raises:
            InvalidRequest: bad number, no message where one is needed, digits in notify mode.
            PolicyRefused, CapacityExceeded, Draining: not now, or not at all.
            StoreError: nothing was dialled.
            CarrierError: the carrier did not accept it; the record is terminal.
        """
        ...

    async def speak(self, call_id: str, message: str) -> None:
        """Say something; returns when it was heard.

        Raises:
            CallNotFound, CallStateError, CapacityExceeded, SpeechError.
        """
        ...

    async def continue_call(self, call_id: str, message: str) -> str:
        """Say something and return what the caller answers.

        Raises:
            CallNotFound, CallStateError, TurnTimeout, SpeechError.
        """
        ...

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Send DTMF: ``0-9 A-D * # w W``."""
        ...

    async def end(self, call_id: str) -> None:
        """Hang up; a call that has ended already is not an error.

        Raises:
            CallNotFound: nobody knows it.
            StoreError: it is over, and that cannot be stored for now.
        """
        ...

    async def find(self, call_id: str) -> CallRecord | None:
        """A live or ended call, None when nobody knows it."""
        ...

    def live_calls(self) -> list[CallRecord]:
        """All live calls, oldest first."""
        ...

    async def history(self, limit: int) -> list[CallRecord]:
        """The last `limit` calls, live and ended, newest first."""
        ...

    def watch(
        self, call_id: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        """Events from now on, of one call or of all, partial transcripts included.

        With a call id, what is stored of the call comes first, and the iterator ends after
        `CallFinished`. A watcher that falls behind loses the oldest partials, then is ended.
        """
        ...

    @property
    def ready(self) -> bool:
        """Whether new calls are admitted."""
        ...

    @property
    def policy(self) -> PolicyDesk:
        """What may be dialled, who may call, and what operators tell about both."""
        ...


class CallService:
    """`Service` over the calls of this process.

    Args:
        manager: the calls.
        tools: what they are made with.
    """

    def __init__(self, manager: CallManager, tools: CallTools) -> None:
        self._manager = manager
        self._tools = tools
        self._policy = PolicyDesk(tools)
        self._keys: dict[str, anyio.Lock] = {}

    def adopt(self, tools: CallTools) -> None:
        """Make the calls to come with `tools`; those that are live keep theirs."""
        self._tools = tools
        self._policy.adopt(tools)
        self._manager.adopt(tools)

    async def count_dials(self) -> None:
        """Count what earlier gateways dialled, for the caps of `outbound.guard`."""
        await self._policy.recall()

    @property
    def policy(self) -> PolicyDesk:
        """What may be dialled, who may call, and what operators tell about both."""
        return self._policy

    @property
    def ready(self) -> bool:
        """Whether new calls are admitted."""
        return not self._manager.draining

    async def initiate(self, request: CallRequest) -> CallId:
        """Place a call; the same idempotency key again gives the same call."""
        key = request.idempotency_key
        if not key:
            return await self._place(request)
        lock = self._keys.setdefault(key, anyio.Lock())
        try:
            async with lock:
                return await self._repeated(request, key) or await self._place(request)
        finally:
            if not lock.locked():
                self._keys.pop(key, None)

    async def _place(self, request: CallRequest) -> CallId:
        wish = self._wish(request)
        await self._policy.require_destination(wish.to_number or "")
        self._manager.require_admission()
        async with self._policy.dialling(wish):
            return (await self._manager.place(wish)).call_id

    async def _repeated(self, request: CallRequest, key: str) -> CallId | None:
        """The call that the same request made before."""
        known = await self._tools.store.find_idempotent(key)
        record = None if known is None else await self._manager.record(known)
        if record is None:
            return None
        wish = self._wish(request)
        same = (record.to_number, record.message, record.mode, record.dtmf_sequence) == (
            wish.to_number,
            wish.message,
            wish.mode,
            wish.dtmf_sequence,
        )
        if not same:
            raise KeyConflict("idempotencyKey was used for another call; take a new key")
        return record.call_id

    def _wish(self, request: CallRequest) -> CallCreated:
        settings = self._tools.settings
        message = (request.message or "").strip() or None
        # Who names neither has nothing to notify of, and wants to talk.
        unsaid = settings.outbound.default_mode if message else CallMode.CONVERSATION
        mode = request.mode or unsaid
        digits = request.dtmf_sequence
        if digits is not None:
            if mode is CallMode.NOTIFY:
                raise InvalidRequest("dtmfSequence needs mode 'conversation'")
            require_digits(digits)
        if mode is CallMode.NOTIFY and message is None:
            raise InvalidRequest("message required")
        return CallCreated(
            call_id=new_call_id(),
            number=1,
            at=self._tools.clock.wall(),
            provider=self._tools.provider_name,
            direction=Direction.OUTBOUND,
            mode=mode,
            from_number=settings.from_number,
            to_number=require_number(request.to_number or settings.to_number),
            message=message,
            session_key=request.session_key,
            dtmf_sequence=digits,
            idempotency_key=request.idempotency_key,
            secret=secrets.token_urlsafe(16),
            dial_settled=False,
        )

    async def speak(self, call_id: str, message: str) -> None:
        """Say something; returns when it was heard."""
        await (await self._live(call_id)).conversation.speak(message)

    async def continue_call(self, call_id: str, message: str) -> str:
        """Say something and return what the caller answers."""
        return await (await self._live(call_id)).conversation.ask(message)

    async def send_digits(self, call_id: str, digits: str) -> None:
        """Send DTMF."""
        require_digits(digits)
        call = await self._live(call_id)
        call.conversation.require_ours()
        line, batch = call.conversation.line, call.conversation.press(digits)
        try:
            await self._tools.provider.command(call.carrier_call, batch)
            if line is not None and len(batch) > 1:
                await call.conversation.line_down(line, "digits took its place")
        except Exception as error:
            await call.refused(batch, error)
            if isinstance(error, CarrierCallGone):
                raise CallStateError("the call has ended at the carrier") from error
            raise

    async def end(self, call_id: str) -> None:
        """Hang up; a call that has ended already is not an error."""
        known = await self._manager.resolve(call_id)
        if known is None:
            raise CallNotFound(call_id)
        call = self._manager.live(known)
        if call is not None:
            call.hang_up(CallState.HANGUP_BOT)
            await call.over()

    async def _live(self, call_id: str) -> LiveCall:
        known = await self._manager.resolve(call_id)
        if known is None:
            raise CallNotFound(call_id)
        call = self._manager.live(known)
        if call is None or call.record.state.is_terminal:
            record = await self._manager.record(known)
            state = "ended" if record is None else record.state
            raise CallStateError(f"the call has ended: {state}")
        return call

    async def find(self, call_id: str) -> CallRecord | None:
        """A live or ended call."""
        known = await self._manager.resolve(call_id)
        return None if known is None else await self._manager.record(known)

    def live_calls(self) -> list[CallRecord]:
        """All live calls, oldest first."""
        return [call.record for call in self._manager.all_live]

    async def history(self, limit: int) -> list[CallRecord]:
        """The last `limit` calls, newest first."""
        return [fold(events) for events in await self._tools.store.recent(limit)]

    def watch(
        self, call_id: str | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[CallEvent]]:
        """Events from now on, of one call or of all."""
        if call_id is None:
            return self._tools.bus.subscribe(None)
        return self._watch_one(call_id)

    @asynccontextmanager
    async def _watch_one(self, call_id: str) -> AsyncIterator[AsyncIterator[CallEvent]]:
        known = await self._manager.resolve(call_id)
        if known is None:
            raise CallNotFound(call_id)
        async with self._tools.bus.subscribe(known) as live:
            stored = await self._tools.store.events(known)
            yield _joined(stored, live)


async def _joined(
    stored: list[CallEvent], live: AsyncIterator[CallEvent]
) -> AsyncIterator[CallEvent]:
    """`stored`, then what of `live` comes after it, up to the call's end."""
    last = 0
    for event in stored:
        last = event.number
        yield event
    if any(isinstance(event, CallFinished) for event in stored):
        return
    async for event in live:
        if event.number == 0 or event.number > last:
            yield event
        if isinstance(event, CallFinished):
            return
