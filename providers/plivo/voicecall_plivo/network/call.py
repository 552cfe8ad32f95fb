"""What does Plivo do about one call? It fetches documents, and reports until the hang-up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import anyio
import httpx

from voicecall.sdk import Clock, Direction, EndCause, EndedBy
from voicecall_conformance.phones import Leg, Outcome
from voicecall_plivo.double import endings, events
from voicecall_plivo.double.endings import Ending
from voicecall_plivo.network.courier import Courier, Hook
from voicecall_plivo.network.order import Order
from voicecall_plivo.network.performer import Fetch, Performer
from voicecall_plivo.network.stream import StreamTools

DETECTION_SECONDS = 1.0
"""How long it takes to tell a machine from a human, call seconds."""


class PlivoCall:
    """One call; an `Exchange` of the phones.

    Args:
        client: fetches what documents play.
    """

    def __init__(
        self,
        leg: Leg,
        order: Order,
        *,
        courier: Courier,
        client: httpx.AsyncClient,
        clock: Clock,
        streams: StreamTools,
    ) -> None:
        self.leg = leg
        self.order = order
        self.rang = False
        self._courier = courier
        self._clock = clock
        self._begun = clock.wall()
        self._answered: float | None = None
        self._ending: tuple[Ending, str] | None = None
        self._told = anyio.Event()
        self._performer = Performer(
            leg,
            courier=courier,
            about=self._about,
            end=self._end,
            client=client,
            clock=clock,
            streams=streams,
        )

    async def report(self) -> None:
        """Deliver what is reported, until the end of the call was."""
        await self._courier.poster.run()
        self._told.set()

    # -- what happens at the phone

    async def ringing(self) -> None:
        """The phone rings; a caller is answered when the document says so."""
        self.rang = True
        if self.leg.direction is Direction.INBOUND:
            await self._receive()
        else:
            self._courier.notify(self.order.ring, self._about({"Event": "Ring"}))

    async def answered(self) -> None:
        """Do what the gateway says."""
        self._answered = self._clock.wall()
        if self.leg.direction is Direction.INBOUND:
            return  # `_receive` goes on
        if self.order.send_digits:
            self.leg.tasks.start_soon(self.leg.send_digits, self.order.send_digits)
        found = await self._detect()
        if self.leg.end is None:
            await self._performer.replace(self._first(found))

    async def ended(self) -> None:
        """Report the end, unless everything was lost."""
        end = self.leg.end
        if end is not None and not end.lost:
            self._courier.notify(self.order.hangup, self._about(self._record()))
        self._courier.poster.close()
        await self._told.wait()

    def caller_speaks(self) -> None:
        """Plivo does not tell."""

    def caller_said(self, text: str) -> None:
        """Plivo recognises inside of ``GetInput`` only."""

    def caller_pressed(self, digit: str) -> None:
        """A key outside of ``GetInput`` goes to the stream."""
        if self._performer.stream is not None:
            self._performer.stream.press(digit)

    def machine_beeped(self) -> None:
        """Plivo does not tell."""

    def stream_dropped(self) -> None:
        """Cut the stream."""
        if self._performer.stream is not None:
            self._performer.stream.cut()

    # -- what the gateway orders

    def transfer(self, hook: Hook) -> None:
        """Another document replaces what runs."""
        fetch = Fetch(hook=hook, place=endings.TRANSFER)
        self.leg.tasks.start_soon(self._performer.replace, fetch)

    def press(self, digits: str) -> None:
        """Send keys beside what runs."""
        self.leg.tasks.start_soon(self.leg.send_digits, digits)

    # -- what Plivo knows

    @property
    def live(self) -> bool:
        """Whether it rings, or was answered, and is not over."""
        return self.rang and self.leg.end is None

    @property
    def queued(self) -> bool:
        """Whether it was ordered, and does not ring yet."""
        return not self.rang and self.leg.end is None

    def view(self) -> dict[str, object]:
        """What is told about a live or queued call."""
        status = "in-progress" if self.leg.answered else "ringing" if self.rang else "queued"
        fields = self._about({})
        return {
            "direction": self.leg.direction.value,
            "from": fields["From"],
            "to": fields["To"],
            "call_status": status,
            "caller_name": self.order.caller_name,
            "call_uuid": self.leg.id,
            "request_uuid": self.order.request or self.leg.id,
            "session_start": _time(self._begun),
        }

    def history(self) -> dict[str, object]:
        """The record of an ended call."""
        record, fields = self._record(), self._about({})
        return {
            "call_uuid": self.leg.id,
            "call_direction": self.leg.direction.value,
            "from_number": fields["From"],
            "to_number": fields["To"],
            "call_state": "ANSWER" if self.leg.answered else "NO_ANSWER",
            "call_duration": int(record["Duration"]),
            "hangup_cause_code": int(record["HangupCauseCode"]),
            "hangup_cause_name": record["HangupCauseName"],
            "hangup_source": record["HangupSource"],
            "initiation_time": record["StartTime"],
            "answer_time": record["AnswerTime"],
            "end_time": record["EndTime"],
        }

    # -- the life of it

    async def _receive(self) -> None:
        document = await self._performer.fetch(self._first(None))
        if document is None:
            return
        if document and document[0].tag != "Hangup":
            self.leg.pick_up()
        await self._performer.run(document)

    def _first(self, machine: bool | None) -> Fetch:
        """The first document; with what was detected, where that was waited for."""
        told = {} if machine is None else _machine(machine)
        return Fetch(
            hook=self.order.answer,
            place=endings.ANSWER,
            fields={"Event": "StartApp", **told},
            otherwise=self.order.fallback,
        )

    async def _detect(self) -> bool | None:
        """Whether a machine answered; None: nobody asked, or it is told by and by."""
        if not self.order.detection:
            return None
        if self.order.machine is not None:
            self.leg.tasks.start_soon(self._find_out)
            return None
        return await self._find_out()

    async def _find_out(self) -> bool:
        await self._clock.sleep(DETECTION_SECONDS)
        machine = self.leg.phone.outcome is Outcome.VOICEMAIL
        found = {"Event": "MachineDetection", **_machine(machine)}
        self._courier.notify(self.order.machine, self._about(found))
        if machine and self.order.detection == "hangup":
            self._end(EndCause.VOICEMAIL, endings.MACHINE, endings.SOURCES[EndedBy.UNKNOWN])
        return machine

    def _end(self, cause: EndCause, ending: Ending, source: str) -> None:
        """End the call in Plivo's words; the first end counts."""
        if self.leg.end is None:
            self._ending = (ending, source)
            self.leg.finish(cause, EndedBy.API)

    # -- fields

    def _about(self, told: Mapping[str, str]) -> dict[str, str]:
        """The fields of a callback: the common ones, and `told`."""
        common = events.common_fields(
            self.leg.id,
            caller=self.leg.from_number,
            called=self.leg.to_number,
            direction=self.leg.direction,
            request=self.order.request,
        )
        if not self.leg.answered:
            common["CallStatus"] = "ringing"
        if self.order.caller_name:
            common["CallerName"] = self.order.caller_name
        return {**common, "SessionStart": _time(self._begun), **told}

    def _record(self) -> dict[str, str]:
        end = self.leg.end
        assert end is not None, "only a call that is over has a record"
        ending, source = self._ending or (endings.ENDS[end.cause], endings.SOURCES[end.ended_by])
        return {
            **events.hung_up(ending, source, seconds=self.leg.line.seconds),
            "TotalCost": "0.00850",
            "StartTime": _time(self._begun),
            "AnswerTime": "" if self._answered is None else _time(self._answered),
            "EndTime": _time(self._clock.wall()),
        }


def _machine(machine: bool) -> dict[str, str]:
    told = "true" if machine else "false"
    return {"Machine": told, "IfMachine": told}


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).strftime("%Y-%m-%d %H:%M:%S")
