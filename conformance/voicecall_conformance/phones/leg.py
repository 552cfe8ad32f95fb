"""What is one call at a carrier's double? A phone that rings, a person at it, and its end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from voicecall.sdk import Clock, Direction, EndCause, EndedBy, VoicecallError
from voicecall_mock.config import Backend, Outcome, Phone
from voicecall_mock.network.ears import Ears, Hearing
from voicecall_mock.network.gathering import ANYTHING, Gathering, Wanted
from voicecall_mock.network.journal import Journal
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.person import Person
from voicecall_mock.network.plan import CallEnd
from voicecall_mock.network.studio import Studio

BUSY_SECONDS = 0.2
KEY_SECONDS = 0.15
PAUSES = {"w": 0.5, "W": 1.0}
RECOGNITION_SECONDS = 10.0
"""How long, in real seconds, words may be recognised after the end."""


class Exchange(Protocol):
    """What a vendor's double does about its call."""

    async def ringing(self) -> None:
        """The phone rings; or, for an inbound call, it is the gateway's to decide."""
        ...

    async def answered(self) -> None:
        """Somebody picked up. Runs beside the person until it returns or the call ends."""
        ...

    async def ended(self) -> None:
        """The call is over; the last thing of all, after `answered` was cancelled."""
        ...

    def caller_speaks(self) -> None:
        """The person begins to speak."""
        ...

    def caller_said(self, text: str) -> None:
        """The person has said `text`."""
        ...

    def caller_pressed(self, digit: str) -> None:
        """The person pressed a key, and nobody gathers."""
        ...

    def machine_beeped(self) -> None:
        """The tone of an answering machine has sounded."""
        ...

    def stream_dropped(self) -> None:
        """The person's script wants the media socket cut."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneTools:
    """What every phone of a network is made with."""

    clock: Clock
    studio: Studio
    voice: Backend
    ears: Backend
    logger: logging.Logger


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was collected: speech, or keys, or nothing."""

    text: str | None
    digits: str


class Leg:
    """One call between the carrier and a phone; `run` is its life.

    Args:
        id: the carrier's.
        phone: what happens at it, and the script of the person.
        ring_seconds: how long it rings, in call seconds.
        longest_seconds: how long it may last once answered.
    """

    exchange: Exchange

    def __init__(
        self,
        *,
        id: str,
        direction: Direction,
        from_number: str,
        to_number: str,
        phone: Phone,
        tools: PhoneTools,
        ring_seconds: float,
        longest_seconds: float,
    ) -> None:
        self.id = id
        self.direction = direction
        self.from_number = from_number
        self.to_number = to_number
        self.phone = phone
        self.ring_seconds = ring_seconds
        self.longest_seconds = longest_seconds
        self.answered = False
        self.end: CallEnd | None = None
        self.transferred_to: str | None = None
        self.over = anyio.Event()
        self.finished = anyio.Event()
        """Set after `over`, when everybody was told and everything heard is recognised."""
        self.line = PhoneLine(tools.clock, keep=False)
        self.journal = Journal(lambda: self.line.seconds)
        self.tasks: TaskGroup
        self._tools = tools
        self._gathering: Gathering | None = None
        self._person: Person | None = None
        self._ears: Ears | None = None
        self._ears_ready = anyio.Event()

    @property
    def heard(self) -> list[str]:
        """What the phone understood of us so far, in order."""
        return [line.text for line in self.journal.lines if line.kind == "heard"]

    # -- its life

    async def run(self) -> None:
        """Ring, talk, end, tell."""
        async with anyio.create_task_group() as afterwards:
            ears = Ears(
                tasks=afterwards,
                patience=self.phone.patience_ms / 1000,
                on_heard=self._heard,
            )
            async with anyio.create_task_group() as self.tasks:
                self.tasks.start_soon(self._open_ears, ears)
                self.tasks.start_soon(self._ring)
                await self.over.wait()
                self.tasks.cancel_scope.cancel()
            ears.finish()
            await self.exchange.ended()
            with anyio.move_on_after(RECOGNITION_SECONDS):
                await ears.settled()
            afterwards.cancel_scope.cancel()
        self.finished.set()
        self.journal.wake()

    async def _open_ears(self, ears: Ears) -> None:
        try:
            wanted = self.phone.ears or self._tools.ears
            ears.recogniser = await self._tools.studio.ears(wanted, self.phone.phrases)
        except VoicecallError as error:
            self._tools.logger.warning("a phone understands no words: %s", error.message)
        self._ears = ears
        self._ears_ready.set()

    async def _ring(self) -> None:
        sleep, outcome = self._tools.clock.sleep, self.phone.outcome
        answer_after = self.phone.answer_after_ms / 1000
        if self.direction is Direction.INBOUND:
            self.tasks.start_soon(self.exchange.ringing)
            await sleep(self.ring_seconds)
            self._give_up()
            return
        if outcome in (Outcome.BUSY, Outcome.UNREACHABLE):
            await sleep(BUSY_SECONDS)
            busy = outcome is Outcome.BUSY
            self.finish(EndCause.BUSY if busy else EndCause.FAILED, EndedBy.CALLEE)
            return
        await self.exchange.ringing()
        if outcome is Outcome.NO_ANSWER or answer_after >= self.ring_seconds:
            await sleep(self.ring_seconds)
            self._give_up()
            return
        await sleep(answer_after)
        if outcome is Outcome.REJECT:
            self.finish(EndCause.REJECTED, EndedBy.CALLEE)
        else:
            self.pick_up()

    def _give_up(self) -> None:
        if not self.answered:
            self.finish(EndCause.NO_ANSWER, EndedBy.UNKNOWN)

    def pick_up(self) -> None:
        """Somebody answers: the person who is called, or the gateway an inbound call."""
        if not self.answered and self.end is None:
            self.answered = True
            self.tasks.start_soon(self._converse)

    async def _converse(self) -> None:
        await self._ears_ready.wait()
        assert self._ears is not None
        self._person = self._meet(self._ears)
        self.line.on_heard = self._ears.feed
        self.tasks.start_soon(self.line.run)
        self.tasks.start_soon(self._limit)
        self.tasks.start_soon(self.exchange.answered)
        self.tasks.start_soon(self._person.run)

    def _meet(self, ears: Ears) -> Person:
        return Person(
            self.phone,
            voice=self.phone.voice or self._tools.voice,
            line=self.line,
            ears=ears,
            journal=self.journal,
            studio=self._tools.studio,
            clock=self._tools.clock,
            call=self,
            logger=self._tools.logger,
        )

    async def _limit(self) -> None:
        await self._tools.clock.sleep(self.longest_seconds)
        self.finish(EndCause.TIMEOUT, EndedBy.UNKNOWN)

    def finish(self, cause: EndCause, ended_by: EndedBy, detail: str | None = None) -> None:
        """End the call; the first end counts."""
        if self.end is None:
            self.end = CallEnd(cause=cause, ended_by=ended_by, detail=detail)
            self.over.set()

    def hang_up(self) -> None:
        """End the call for the gateway."""
        cause = EndCause.COMPLETED if self.answered else EndCause.CANCELED
        self.finish(cause, EndedBy.API)

    def transfer(self, to: str) -> None:
        """Hand the caller to `to`; for the gateway the call is over."""
        self.transferred_to = to
        self.finish(EndCause.COMPLETED, EndedBy.API, "transferred")

    def _heard(self, hearing: Hearing) -> None:
        self.journal.add("us", "heard", hearing.text or "…", at=hearing.at)

    # -- the carrier's own voice and recognition

    async def say(self, text: str) -> bool:
        """Speak with the carrier's voice until it was heard; cancelled, it stops at once.

        Returns:
            Whether it could be spoken.
        """
        try:
            audio = await self._tools.studio.speak(self._tools.voice, text)
        except VoicecallError as error:
            self.journal.add("us", "note", f"could not speak: {error.message}")
            return False
        await self.line.to_phone.play_through(audio)
        return True

    async def send_digits(self, digits: str) -> None:
        """Send DTMF to the phone; ``w`` and ``W`` wait."""
        self.journal.add("us", "digits", digits)
        for digit in digits:
            await self._tools.clock.sleep(PAUSES.get(digit, KEY_SECONDS))

    async def gather(
        self,
        prompts: Sequence[str | Callable[[], Awaitable[object]]],
        *,
        timeout: float,
        wanted: Wanted = ANYTHING,
    ) -> Gathered:
        """Speak `prompts` and listen from their beginning; who answers cuts them.

        Args:
            prompts: what is said, or done, meanwhile.
            timeout: call seconds after the prompts until an answer must begin.
            wanted: what counts as one.
        """
        gathering = self._gathering = Gathering(self._tools.clock, wanted)
        if self._person is not None and self._person.speaking:
            gathering.speaks()
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_stop_when_started, gathering, tasks.cancel_scope)
                for prompt in prompts:
                    await (self.say(prompt) if isinstance(prompt, str) else prompt())
                tasks.cancel_scope.cancel()
            await gathering.collect(timeout)
        finally:
            if self._gathering is gathering:
                self._gathering = None
        return Gathered(text=gathering.text, digits=gathering.digits)

    # -- what happens at the phone (`PhoneEvents`)

    def phone_speaks(self) -> None:
        """The person begins to speak."""
        if self._gathering is not None:
            self._gathering.speaks()
        self.exchange.caller_speaks()

    def phone_said(self, text: str) -> None:
        """The person has said `text`; who gathers understands it."""
        if self._gathering is not None:
            self._gathering.said(text)
        self.exchange.caller_said(text)

    def phone_pressed(self, digit: str) -> None:
        """A key goes to who gathers, else to the vendor's double."""
        if self._gathering is not None:
            self._gathering.pressed(digit)
        else:
            self.exchange.caller_pressed(digit)

    def phone_beeped(self) -> None:
        """A message may be left now."""
        self.exchange.machine_beeped()

    def phone_hung_up(self) -> None:
        """The person hung up."""
        inbound = self.direction is Direction.INBOUND
        self.finish(EndCause.COMPLETED, EndedBy.CALLER if inbound else EndedBy.CALLEE)

    def phone_dropped(self, what: str) -> None:
        """The stream is cut, or everything is lost."""
        self.exchange.stream_dropped()
        if what != "stream" and self.end is None:
            self.end = CallEnd(cause=EndCause.FAILED, ended_by=EndedBy.UNKNOWN, lost=True)
            self.over.set()


async def _stop_when_started(gathering: Gathering, scope: anyio.CancelScope) -> None:
    await gathering.started.wait()
    scope.cancel()
