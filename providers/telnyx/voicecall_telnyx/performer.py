"""How are instructions carried out? One REST command after the other, each with its turn's state.

Every command sets the leg's `client_state`, so that what Telnyx reports afterwards bears the turn
that it belongs to. A text closes the turn that was listened to, and ends recognition; listening
opens the next and begins it anew, so that words from before the text do not answer it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress

import anyio

from voicecall.sdk import (
    Answer,
    CarrierCall,
    CarrierCallId,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    Clock,
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    ProviderContext,
    Reject,
    Say,
    SendDigits,
    StopSpeaking,
    Transfer,
)
from voicecall_telnyx import again, documents, webhooks
from voicecall_telnyx.client_state import ClientState, write_state
from voicecall_telnyx.config import TelnyxConfig
from voicecall_telnyx.documents import Action
from voicecall_telnyx.legs import Leg, Legs, Saying
from voicecall_telnyx.rest import NotPossibleNow, RestApi

LETTERS_PER_SECOND = 8.0
"""No voice is slower; a text that ought to be over is not waited for any longer."""
SPEECH_MARGIN_SECONDS = 5.0
DIGIT_SECONDS = 0.5
"""Tone and pause of one key."""
STREAM_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0)
"""Before a stream is opened anew where Telnyx still takes another for open."""


class Performer:
    """Gives commands.

    Args:
        config: voices and recognition.
        context: urls, clock, number.
        api: takes them.
        legs: what the calls are doing.
    """

    def __init__(
        self, config: TelnyxConfig, context: ProviderContext, api: RestApi, legs: Legs
    ) -> None:
        self._config = config
        self._context = context
        self._api = api
        self._legs = legs

    async def perform(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Carry out `instructions` in their order; what ends the call waits for what it would cut.

        Raises:
            CarrierError: one of them was refused; those after it were not given.
        """
        carrier_call_id = call.carrier_call_id
        if carrier_call_id is None:
            raise CarrierRejected("the call has no id at Telnyx yet; wait until it was dialled")
        leg = self._legs.of(carrier_call_id)
        delivery = _Delivery(self, call, carrier_call_id, leg, self._context.clock)
        for instruction in instructions:
            await self._one(delivery, instruction)

    async def _one(self, delivery: _Delivery, instruction: Instruction) -> None:
        config, do = self._config, delivery.do
        match instruction:
            case Say():
                await delivery.say(instruction, documents.speak(instruction, config))
            case Gather(turn=turn, language=language):
                delivery.leg.listen = turn
                await delivery.listen(documents.listen(config.transcription, language))
            case StopSpeaking():
                await delivery.if_possible(documents.STOP_SPEAKING)
            case Play(url=url):
                await do(documents.play(url))
            case OpenStream():
                await delivery.open_stream(documents.open_stream(instruction))
            case SendDigits(digits=digits):
                await do(documents.send_digits(digits))
                delivery.pressing += len(digits) * DIGIT_SECONDS
            case Answer():
                await do(documents.answer(self._callback(delivery.call)), up=True)
            case Reject(reason=reason):
                await do(documents.reject(reason))
            case Transfer(to=to):
                await delivery.finish()
                await do(documents.transfer(to, self._context.from_number))
            case HangUp():
                await delivery.finish()
                await do(documents.HANG_UP)
            case Pause():
                pass  # a line that is left alone stays open and silent

    def _callback(self, call: CarrierCall) -> str:
        return self._context.urls.webhook(
            **{webhooks.CALL_ID_QUERY: call.call_id, webhooks.CALL_SECRET_QUERY: call.secret}
        )

    async def act(
        self, call: CarrierCall, carrier_call_id: CarrierCallId, action: Action, *, up: bool = False
    ) -> None:
        """Give one command, under an id of its own and the leg's state."""
        leg = self._legs.of(carrier_call_id)
        state = ClientState(
            call=call.call_id,
            secret=call.secret,
            say=leg.say,
            listen=leg.listen,
            up=up or call.answered,
        )
        fields = {
            **action.fields,
            "client_state": write_state(state),
            "command_id": str(uuid.uuid4()),
        }
        await again.insist(
            self._context.clock, lambda: self._api.act(carrier_call_id, action.name, fields)
        )


class _Delivery:
    """Instructions of one delivery on their way; what has begun with them."""

    def __init__(
        self,
        performer: Performer,
        call: CarrierCall,
        carrier_call_id: CarrierCallId,
        leg: Leg,
        clock: Clock,
    ) -> None:
        self.call = call
        self.leg = leg
        self.pressing = 0.0
        self._performer = performer
        self._carrier_call_id = carrier_call_id
        self._clock = clock
        self._saying: tuple[Saying, float] | None = None

    async def do(self, action: Action, *, up: bool = False) -> None:
        """Give one command."""
        await self._performer.act(self.call, self._carrier_call_id, action, up=up)

    async def if_possible(self, action: Action) -> bool:
        """Give one command; whether there was anything for it to do."""
        try:
            await self.do(action)
        except NotPossibleNow:
            return False
        return True

    async def say(self, say: Say, actions: Sequence[Action]) -> None:
        """Say a text; nobody is listened to meanwhile, unless the next instruction says so."""
        saying = self.leg.begin(say.turn, len(actions))
        for action in actions:
            await self.do(action)
        self._saying = (saying, len(say.text) / LETTERS_PER_SECOND + SPEECH_MARGIN_SECONDS)
        if self.leg.transcribing:
            await self._cease_listening()

    async def _cease_listening(self) -> None:
        """What was said stays said when recognition goes on: nobody waits for its words."""
        with suppress(CarrierRateLimited, CarrierUnreachable):
            await self.if_possible(documents.STOP_LISTENING)
            self.leg.transcribing = False

    async def listen(self, start: Action) -> None:
        """Listen under the leg's new turn."""
        if self.leg.transcribing:
            await self.if_possible(documents.STOP_LISTENING)
        await self._begin(start, documents.STOP_LISTENING)
        self.leg.transcribing = True

    async def open_stream(self, start: Action) -> None:
        """Open the stream; one that Telnyx still takes for open is closed first."""
        await self._begin(start, documents.STOP_STREAM, STREAM_PAUSES_SECONDS)

    async def _begin(self, start: Action, stop: Action, pauses: Sequence[float] = (0.0,)) -> None:
        """Begin what a leg does once at most; what we do not know to be running is stopped."""
        for pause in pauses:
            if await self.if_possible(start):
                return
            await self.if_possible(stop)
            await self._clock.sleep(pause)
        await self.do(start)

    async def finish(self) -> None:
        """Wait until what was begun in this delivery is over."""
        await self._clock.sleep(self.pressing)
        if self._saying is None:
            return
        saying, longest = self._saying
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._give_up, longest, tasks.cancel_scope)
            await saying.over.wait()
            tasks.cancel_scope.cancel()

    async def _give_up(self, seconds: float, scope: anyio.CancelScope) -> None:
        await self._clock.sleep(seconds)
        scope.cancel()
