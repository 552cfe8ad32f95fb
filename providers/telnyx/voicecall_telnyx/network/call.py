"""What is one leg at Telnyx? It tells what happens, and does what commands say."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from voicecall.sdk import Direction, EndCause, EndedBy
from voicecall_conformance.phones import Leg, Outcome
from voicecall_telnyx.network import phrases, stream
from voicecall_telnyx.network.keypad import Keypad
from voicecall_telnyx.network.machine import MachineDetection
from voicecall_telnyx.network.recognition import Recognition
from voicecall_telnyx.network.reporter import Destination, Reporter
from voicecall_telnyx.network.reports import CONNECTION_ID, written_time
from voicecall_telnyx.network.stream import TelnyxStream
from voicecall_telnyx.network.voice import Voice

if TYPE_CHECKING:
    from voicecall_telnyx.network.network import TelnyxNetwork

BRIDGED_SECONDS = 1.0
"""How long a caller who was handed on talks to the other."""
_REFUSALS: Mapping[str, tuple[EndCause, str, str]] = {
    "USER_BUSY": (EndCause.BUSY, "user_busy", "486"),
    "CALL_REJECTED": (EndCause.REJECTED, "call_rejected", "603"),
    "NOT_FOUND": (EndCause.FAILED, "not_found", "404"),
    "TEMPORARILY_UNAVAILABLE": (EndCause.FAILED, "unspecified", "480"),
}


class TelnyxCall:
    """One leg; an `Exchange`.

    Args:
        network: carries it.
        key: signs.
        order: the fields it was dialled with; empty for a leg that came in.
        origin: the leg that is handed on by this one.
    """

    def __init__(
        self,
        network: TelnyxNetwork,
        leg: Leg,
        key: Ed25519PrivateKey,
        order: Mapping[str, Any],
        origin: TelnyxCall | None = None,
    ) -> None:
        clock = network.around.clock
        self.network = network
        self.leg = leg
        self.key = key
        self.order = order
        self.origin = origin
        self.leg_id = str(uuid.uuid4())
        self.session_id: str = origin.session_id if origin else str(uuid.uuid4())
        self.start = clock.wall()
        self.ended_at: float | None = None
        self.report = Reporter(
            network.poster(leg.id),
            key=key,
            clock=clock,
            ids={**self.ids(), "from": leg.from_number, "to": leg.to_number},
            destination=self._destination(),
            client_state=order.get("client_state"),
        )
        self.voice = Voice(leg, self.report, network.client)
        self.recognition = Recognition(leg, self.report, clock)
        self.keypad = Keypad(self.report, clock)
        self.machine = MachineDetection(
            order.get("answering_machine_detection", "disabled"),
            is_machine=leg.phone.outcome is Outcome.VOICEMAIL,
            report=self.report,
            clock=clock,
        )
        self.stream: TelnyxStream | None = None
        self.commands: dict[str, float] = {}
        """Ids of the commands that were carried out, and when."""
        self._target: TelnyxCall | None = None
        self._refusal: tuple[str, str] | None = None

    def _destination(self) -> Destination:
        order, origin = self.order, self.origin
        otherwise = self.network.application.webhook_event_url
        if origin is not None:
            otherwise = origin.report.destination.url
        return Destination(
            url=order.get("webhook_url", otherwise),
            urls=order.get("webhook_urls", {}),
            policies=order.get("webhook_retries_policies", {}),
        )

    def ids(self) -> Mapping[str, object]:
        """What names the leg."""
        return {
            "call_control_id": self.leg.id,
            "call_leg_id": self.leg_id,
            "call_session_id": self.session_id,
            "connection_id": CONNECTION_ID,
        }

    def view(self) -> Mapping[str, object]:
        """The leg as ``GET`` shows it."""
        clock, end = self.network.around.clock, self.ended_at
        seconds = ((clock.wall() if end is None else end) - self.start) * clock.scale
        return {
            "record_type": "call",
            **self.ids(),
            "client_state": self.report.client_state,
            "is_alive": self.leg.end is None,
            "call_duration": int(seconds) if self.leg.answered else 0,
            "start_time": written_time(self.start),
            "end_time": None if end is None else written_time(end),
        }

    def begin(self) -> None:
        """Let the leg live."""
        self.network.tasks.start_soon(self.report.run)
        if self.leg.direction is Direction.OUTBOUND:
            self._initiated("outgoing", "bridging")
        self.network.begin(self.leg, self)

    # -- what happens at the phone (`Exchange`)

    async def ringing(self) -> None:
        """A leg that came in is parked; for others Telnyx has no word."""
        if self.leg.direction is Direction.INBOUND:
            self._initiated("incoming", "parked")

    def _initiated(self, direction: str, state: str) -> None:
        self.report(
            "call.initiated",
            direction=direction,
            state=state,
            start_time=written_time(self.start),
            caller_id_name=self.leg.from_number,
            custom_headers=[],
            sip_headers=[],
            shaken_stir_attestation="A",
            shaken_stir_validated=True,
            tags=[],
        )

    async def answered(self) -> None:
        """Do what was ordered for this moment."""
        order, leg = self.order, self.leg
        self.report(
            "call.answered",
            state="answered",
            start_time=written_time(self.start),
            custom_headers=[],
            sip_headers=[],
            tags=[],
        )
        if "stream_url" in order:
            self.open_stream(order)
        if order.get("transcription"):
            self.recognition.start(order.get("transcription_config", {}))
        leg.tasks.start_soon(self.machine.run)
        if "send_digits_on_answer" in order:
            await leg.send_digits(order["send_digits_on_answer"])
        if self.origin is not None:
            await self._take_over(self.origin)

    async def ended(self) -> None:
        """Tell how the leg ended, unless it was lost."""
        end = self.leg.end
        assert end is not None
        self.ended_at = self.network.around.clock.wall()
        if self._target is not None:
            self._target.leg.finish(EndCause.CANCELED, EndedBy.CALLER)
        if not end.lost:
            self.report(
                "call.hangup",
                **self._hangup(end.cause, end.ended_by),
                start_time=written_time(self.start),
                end_time=written_time(self.ended_at),
                call_quality_stats={"inbound": {"mos": "4.50"}, "outbound": {}},
            )
        self.report.close()

    def _hangup(self, cause: EndCause, ended_by: EndedBy) -> Mapping[str, object]:
        """Cause and source; of a leg that was never answered, who was silent is the callee."""
        outbound = self.leg.direction is Direction.OUTBOUND
        if ended_by is EndedBy.API:
            ended_by = EndedBy.CALLER if outbound else EndedBy.CALLEE
        told = phrases.hangup(cause, ended_by)
        if self._refusal is not None:
            word, sip = self._refusal
            return {**told, "hangup_cause": word, "sip_hangup_cause": sip}
        if cause is EndCause.CANCELED and not outbound:
            return {**told, "hangup_cause": "normal_clearing", "sip_hangup_cause": "603"}
        return told

    def caller_speaks(self) -> None:
        """Somebody at the phone begins to speak."""
        self.recognition.speaks()

    def caller_said(self, text: str) -> None:
        """Somebody at the phone has said `text`."""
        self.machine.said()
        self.recognition.said(text)

    def caller_pressed(self, digit: str) -> None:
        """A key is told by webhook, and in the stream."""
        self.report("call.dtmf.received", digit=digit)
        self.keypad.press(digit)
        if self.stream is not None and self.stream.live:
            self.stream.press(digit)

    def machine_beeped(self) -> None:
        """The tone has sounded."""
        self.machine.beeped()

    def stream_dropped(self) -> None:
        """The media socket is cut."""
        if self.stream is not None:
            self.stream.cut()

    # -- what commands do

    def answer(self, fields: Mapping[str, Any]) -> None:
        """Pick up; the command's fields are the leg's order from now on."""
        self.order = fields
        self.report.destination.url = fields.get("webhook_url", self.report.destination.url)
        self.leg.pick_up()

    def reject(self, cause: str) -> None:
        """Refuse."""
        ended, word, sip = _REFUSALS[cause]
        self._refusal = (word, sip)
        self.leg.finish(ended, EndedBy.API)

    def open_stream(self, fields: Mapping[str, Any]) -> TelnyxStream:
        """Begin to stream."""
        opened = self.stream = TelnyxStream(
            self.leg,
            fields,
            id=str(uuid.uuid4()).upper(),
            session=self.session_id,
            report=self.report,
            reach=self.network.reach,
            clock=self.network.around.clock,
            fault=self.network.fault,
        )
        self.leg.tasks.start_soon(opened.run)
        return opened

    @property
    def being_transferred(self) -> bool:
        """Whether another leg is dialled, or has taken over."""
        return self._target is not None and self._target.leg.end is None

    def transfer(self, fields: Mapping[str, Any]) -> None:
        """Dial the leg that takes over when it is answered."""
        order = {**fields, "client_state": fields.get("target_leg_client_state")}
        origin = fields.get("from", self.leg.from_number)
        self._target = place(self.network, self.key, {**order, "from": origin}, self)

    async def _take_over(self, origin: TelnyxCall) -> None:
        for call in (self, origin):
            call.report("call.bridged")
        await self.network.around.clock.sleep(BRIDGED_SECONDS)
        self.leg.finish(EndCause.COMPLETED, EndedBy.CALLEE)
        origin.leg.transfer(self.leg.to_number)


def place(
    network: TelnyxNetwork,
    key: Ed25519PrivateKey,
    order: Mapping[str, Any],
    origin: TelnyxCall | None = None,
) -> TelnyxCall:
    """Dial.

    Args:
        order: the fields of ``dial``, or those of ``transfer`` that it has too.
        origin: the leg that is to be handed on.

    Raises:
        BadField: the stream that is ordered cannot be carried.
    """
    stream.check(order)
    leg = network.leg(
        network.new_call_id(),
        to=order["to"],
        from_number=order["from"],
        ring_seconds=order.get("timeout_secs", 30),
        longest_seconds=order.get("time_limit_secs", 14_400),
    )
    call = TelnyxCall(network, leg, key, order, origin)
    call.begin()
    return call
