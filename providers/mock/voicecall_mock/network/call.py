"""What is one call at the network? It rings, is answered, carries speech, and ends for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import anyio
import httpx
from anyio.abc import TaskGroup

from voicecall.sdk import (
    Answer,
    Direction,
    EndCause,
    EndedBy,
    Instruction,
    Reject,
    RejectReason,
    VoicecallError,
)
from voicecall_mock import documents
from voicecall_mock.config import Outcome, Phone
from voicecall_mock.network.courier import Courier, Letter, new_delivery_id
from voicecall_mock.network.ears import Ears, Hearing
from voicecall_mock.network.journal import Journal
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.performer import Performer
from voicecall_mock.network.person import Person
from voicecall_mock.network.plan import CallEnd, CallPlan
from voicecall_mock.network.recording import keep_audio, keep_words
from voicecall_mock.network.studio import Studio
from voicecall_mock.network.tools import NetworkTools
from voicecall_mock.orders import CallView
from voicecall_mock.webhooks import Report

BUSY_SECONDS = 0.2
DETECTION_SECONDS = 1.0
RECOGNITION_SECONDS = 10.0
"""How long, in real seconds, words may be recognised after the end."""


class NetworkCall:
    """One call, from its first ring to the last webhook; `run` is its life.

    Args:
        phone: the simulated side, called or calling.
        courier: carries its webhooks.
        client: fetches what is to be played.
    """

    def __init__(
        self,
        plan: CallPlan,
        *,
        phone: Phone,
        courier: Courier,
        client: httpx.AsyncClient,
        studio: Studio,
        tools: NetworkTools,
    ) -> None:
        self.id = plan.id
        self.plan = plan
        self.over = anyio.Event()
        self.reported = anyio.Event()
        self.finished = anyio.Event()
        self.line = PhoneLine(tools.clock, keep=tools.recordings is not None, room=phone.room)
        self.journal = Journal(lambda: self.line.seconds)
        self.end_of_call: CallEnd | None = None
        self._phone = phone
        self._courier = courier
        self._studio = studio
        self._tools = tools
        self._answered = False
        self._transferred_to: str | None = None
        self._recording: str | None = None
        self._reports = 0
        self._ears_ready = anyio.Event()
        self._person: Person | None = None
        self._talk: TaskGroup | None = None
        self._performer = Performer(
            self,
            line=self.line,
            journal=self.journal,
            studio=studio,
            clock=tools.clock,
            client=client,
            voice=tools.config.voice,
            logger=tools.logger,
        )

    @property
    def phone_is_speaking(self) -> bool:
        """Whether the person speaks now."""
        return self._person is not None and self._person.speaking

    def view(self) -> CallView:
        """The call as the network tells it."""
        end = self.end_of_call
        state = "answered" if self._answered else "ringing"
        return CallView(
            id=self.id,
            state=state if end is None else "ended",
            direction=self.plan.direction,
            order_id=self.plan.order_id,
            cause=None if end is None else end.cause,
            ended_by=None if end is None else end.ended_by,
            detail=None if end is None else end.detail,
            transferred_to=self._transferred_to,
            recording=self._recording,
            lines=self.journal.lines,
        )

    # -- its life

    async def run(self) -> None:
        """Live, end, tell and keep."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._deliver)
                ears = Ears(
                    tasks=tasks,
                    patience=self._phone.patience_ms / 1000,
                    on_heard=self._heard,
                )
                async with anyio.create_task_group() as talk:
                    self._talk = talk
                    talk.start_soon(self._open_ears, ears)
                    talk.start_soon(self._ring, ears)
                    await self.over.wait()
                    talk.cancel_scope.cancel()
                await self._finish(ears)
        except Exception:
            self._tools.logger.exception("a simulated call failed", extra={"call": self.id})
            self.lose("internal error of the simulated network")
        finally:
            self.reported.set()
            self.finished.set()
            self.journal.wake()

    async def _deliver(self) -> None:
        await self._courier.run()
        self.reported.set()

    async def _open_ears(self, ears: Ears) -> None:
        wanted = self._phone.ears or self._tools.config.ears
        try:
            ears.recogniser = await self._studio.ears(wanted, self._phone.phrases)
        except VoicecallError as error:
            self._tools.logger.warning(
                "a phone understands no words", extra={"error": error.message}
            )
        self._ears = ears
        self._ears_ready.set()

    async def _ring(self, ears: Ears) -> None:
        sleep = self._tools.clock.sleep
        outcome, limit = self._phone.outcome, self.plan.ring_timeout
        answer_after = self._phone.answer_after_ms / 1000
        if self.plan.direction is Direction.INBOUND:
            numbers = {"from_number": self.plan.from_number, "to_number": self.plan.to_number}
            self.ask("call.offered", **numbers)
            await sleep(limit)
            self._give_up_ringing()
            return
        if outcome in (Outcome.BUSY, Outcome.UNREACHABLE):
            await sleep(BUSY_SECONDS)
            self._fail(outcome)
            return
        self.report("call.ringing")
        if outcome is Outcome.NO_ANSWER or answer_after >= limit:
            await sleep(limit)
            self._give_up_ringing()
            return
        await sleep(answer_after)
        if outcome is Outcome.REJECT:
            self._fail(outcome)
        else:
            self._pick_up(())

    def _fail(self, outcome: Outcome) -> None:
        if outcome is Outcome.BUSY:
            self.end(EndCause.BUSY, EndedBy.CALLEE)
        elif outcome is Outcome.REJECT:
            self.end(EndCause.REJECTED, EndedBy.CALLEE)
        else:
            self.end(EndCause.FAILED, EndedBy.UNKNOWN, "the number cannot be reached")

    def _give_up_ringing(self) -> None:
        if not self._answered:
            self.end(EndCause.NO_ANSWER, EndedBy.UNKNOWN)

    def _pick_up(self, instructions: Sequence[Instruction]) -> None:
        if self._talk is not None and not self._answered:
            self._answered = True
            self._talk.start_soon(self._converse, tuple(instructions), self._talk)

    async def _converse(self, instructions: tuple[Instruction, ...], talk: TaskGroup) -> None:
        await self._ears_ready.wait()
        ears = self._ears
        self._person = self._meet(ears)
        self.line.on_heard = ears.feed
        talk.start_soon(self.line.run)
        talk.start_soon(self._limit)
        if self.plan.detect_machine:
            talk.start_soon(self._detect)
        if self.plan.dtmf_sequence:
            await self._performer.send_digits(self.plan.dtmf_sequence)
        todo = [each for each in instructions if not isinstance(each, Answer)]
        if todo:
            self.report("call.answered")
            self._performer.replace(todo, talk)
        else:
            self.ask("call.answered")
        talk.start_soon(self._person.run)

    def _meet(self, ears: Ears) -> Person:
        return Person(
            self._phone,
            voice=self._phone.voice or self._tools.config.voice,
            line=self.line,
            ears=ears,
            journal=self.journal,
            studio=self._studio,
            clock=self._tools.clock,
            call=self,
            logger=self._tools.logger,
        )

    async def _limit(self) -> None:
        await self._tools.clock.sleep(self.plan.max_duration)
        self.end(EndCause.TIMEOUT, EndedBy.UNKNOWN, "the call reached its longest duration")

    async def _detect(self) -> None:
        await self._tools.clock.sleep(DETECTION_SECONDS)
        machine = self._phone.outcome is Outcome.VOICEMAIL
        self.report("machine.detected", result="machine" if machine else "human")

    async def _finish(self, ears: Ears) -> None:
        """Keep the audio, tell the end, then keep the words."""
        end, folder = self.end_of_call, self._tools.recordings
        ears.finish()
        with anyio.CancelScope(shield=True):
            if folder is not None and self._answered:
                self._recording = await keep_audio(folder, self.id, self.line)
        if end is not None and not end.lost:
            if self._recording is not None:
                self.report("recording.ready", location=self._recording)
            self.report("call.ended", cause=end.cause, ended_by=end.ended_by, detail=end.detail)
        self._courier.close()
        with anyio.move_on_after(RECOGNITION_SECONDS):
            await ears.settled()
        if folder is not None and self._recording is not None:
            await keep_words(folder, self.view(), self.journal)

    def _heard(self, hearing: Hearing) -> None:
        self.journal.add("us", "heard", hearing.text or "…", at=hearing.at)

    # -- what the gateway tells

    def instruct(self, instructions: Sequence[Instruction]) -> None:
        """Carry out `instructions`; none leave the call as it is. A ringing call is answered."""
        if not instructions or self.over.is_set() or self._talk is None:
            return
        if self._answered:
            self._performer.replace(instructions, self._talk)
            return
        first = instructions[0]
        if isinstance(first, Reject):
            busy = first.reason is RejectReason.BUSY
            self.end(EndCause.BUSY if busy else EndCause.REJECTED, EndedBy.API)
        else:
            self._pick_up(instructions)

    @property
    def takes_instructions(self) -> bool:
        """Whether instructions can be carried out: answered, or ringing at the gateway."""
        return self._answered or self.plan.direction is Direction.INBOUND

    def hang_up(self) -> None:
        """End the call for the gateway."""
        if self._answered:
            self.end(EndCause.COMPLETED, EndedBy.API)
        else:
            self.end(EndCause.CANCELED, EndedBy.API)

    def end(self, cause: EndCause, ended_by: EndedBy, detail: str | None = None) -> None:
        """End the call; the first end counts."""
        self._end(CallEnd(cause=cause, ended_by=ended_by, detail=detail))

    def lose(self, detail: str, *, hurry: bool = False) -> None:
        """End the call without telling anybody; with `hurry`, webhooks are not tried again."""
        if hurry:
            self._courier.hurry()
        if self._performer.stream is not None:
            self._performer.stream.cut()
        lost = CallEnd(cause=EndCause.FAILED, ended_by=EndedBy.UNKNOWN, detail=detail, lost=True)
        self._end(lost)

    def _end(self, end: CallEnd) -> None:
        if self.end_of_call is None:
            self.end_of_call = end
            self.over.set()

    def transfer(self, to: str) -> None:
        """Hand the call to `to` and leave it."""
        self._transferred_to = to
        self.end(EndCause.COMPLETED, EndedBy.API, "transferred")

    # -- what the gateway is told

    def report(self, kind: str, **fields: Any) -> None:
        """Tell the gateway."""
        self._courier.post(Letter(report=self._report(kind, wants=False, **fields)))

    def ask(self, kind: str, **fields: Any) -> None:
        """Tell the gateway, and carry out its answer unless something newer came."""
        generation = self._performer.generation

        def superseded() -> bool:
            return self.over.is_set() or self._performer.generation != generation

        def obey(document: bytes) -> None:
            if not superseded():
                self._obey(document)

        bare = kind == "instructions.wanted"
        letter = Letter(report=self._report(kind, wants=True, **fields), on_reply=obey)
        self._courier.post(replace(letter, stale=superseded) if bare else letter)

    def _obey(self, document: bytes) -> None:
        try:
            self.instruct(documents.read(document))
        except ValueError as error:
            self._tools.logger.warning(
                "the gateway answered with an unreadable document", extra={"error": str(error)}
            )

    def _report(self, kind: str, *, wants: bool, **fields: Any) -> Report:
        self._reports += 1
        return Report(
            delivery_id=new_delivery_id(),
            event_id=f"{self.id}-{self._reports}",
            kind=kind,
            call_id=self.id,
            occurred_at=self._tools.clock.wall(),
            wants_instructions=wants,
            **fields,
        )

    # -- what happens at the phone

    def phone_speaks(self) -> None:
        """The person begins to speak."""
        if self._performer.gathering is not None:
            self._performer.gathering.speaks()

    def phone_said(self, text: str) -> None:
        """The person has said `text`; who gathers understands it."""
        if self._performer.gathering is not None:
            self._performer.gathering.said(text)

    def phone_pressed(self, digit: str) -> None:
        """A key goes to who gathers, else into the stream, else to the gateway."""
        if self._performer.gathering is not None:
            self._performer.gathering.pressed(digit)
        elif self._performer.stream is not None:
            self._performer.stream.press(digit)
        else:
            self.report("digits", digits=digit)

    def phone_beeped(self) -> None:
        """A message may be left now."""
        if self.plan.detect_machine:
            self.report("machine.detected", result="beep")

    def phone_hung_up(self) -> None:
        """The person hung up."""
        inbound = self.plan.direction is Direction.INBOUND
        self.end(EndCause.COMPLETED, EndedBy.CALLER if inbound else EndedBy.CALLEE)

    def phone_dropped(self, what: str) -> None:
        """The stream is cut, or everything is lost."""
        if what == "network":
            self.lose("the connection to the phone was lost")
        elif self._performer.stream is not None:
            self._performer.stream.cut()
