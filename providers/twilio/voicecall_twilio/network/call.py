"""What does Twilio do about a call? Tells its states, finds out who answers, obeys documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
import httpx
from anyio.abc import TaskGroup

from voicecall.sdk import Clock, Direction, EndCause, EndedBy
from voicecall_conformance.phones import Leg, Letter, Outcome, Poster, Reach, Reply
from voicecall_twilio.network.account import Times, call_resource, rfc2822
from voicecall_twilio.network.letters import letter
from voicecall_twilio.network.machine import MachineDetection
from voicecall_twilio.network.orders import Plan
from voicecall_twilio.network.performer import OVER, Document, Office, Performer, Request, Step
from voicecall_twilio.network.phrases import ACCOUNT
from voicecall_twilio.network.stream import TwilioStream
from voicecall_twilio.network.twiml import Verb, read_document

_ENDS: Mapping[EndCause, tuple[str, str]] = {
    EndCause.BUSY: ("busy", "486"),
    EndCause.REJECTED: ("busy", "603"),
    EndCause.NO_ANSWER: ("no-answer", "487"),
    EndCause.CANCELED: ("canceled", "487"),
    EndCause.FAILED: ("failed", "404"),
}
"""Why a call that nobody answered is over → its status and the last SIP response."""
_XML = ("text/xml", "application/xml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What every call of an account shares."""

    token: str
    reach: Reach
    clock: Clock
    client: httpx.AsyncClient
    tasks: TaskGroup
    fault: Callable[[str], None]


class TwilioCall(Office):
    """Twilio's side of one call."""

    def __init__(self, leg: Leg, plan: Plan, *, poster: Poster, shared: Exchange) -> None:
        self.plan = plan
        self.status = "queued"
        self.told = anyio.Event()
        """Set when the last callback was delivered, or given up."""
        self._leg = leg
        self._poster = poster
        self._shared = shared
        self._times = Times(created=shared.clock.wall())
        self._sequence = 0
        self._detection = self._detect(plan)
        self._stream: TwilioStream | None = None
        self._performer = Performer(leg, self, clock=shared.clock, client=shared.client)

    def _detect(self, plan: Plan) -> MachineDetection | None:
        if plan.detection is None:
            return None
        return MachineDetection(
            to_the_end=plan.detection.to_the_end,
            is_machine=self._leg.phone.outcome is Outcome.VOICEMAIL,
            timeout=plan.detection.timeout,
            clock=self._shared.clock,
        )

    @property
    def answered_by(self) -> str | None:
        """What machine detection found out."""
        return None if self._detection is None else self._detection.answered_by

    async def run(self) -> None:
        """Deliver callbacks until the call is over."""
        if self._leg.direction is Direction.OUTBOUND:
            self._progress("initiated", "initiated")
        await self._poster.run()
        self.told.set()

    def resource(self) -> Mapping[str, object]:
        """The call as the API describes it."""
        return call_resource(
            self._leg, status=self.status, answered_by=self.answered_by, times=self._times
        )

    def replace(self, step: Step) -> None:
        """A live call gets another document."""
        self._performer.replace(step)

    # -- what happens (`phones.Exchange`)

    async def ringing(self) -> None:
        """The phone rings; what rings here is the gateway's to answer."""
        self._progress("ringing", "ringing")
        if self._leg.direction is Direction.OUTBOUND:
            return
        first = self.plan.first
        verbs = await self.fetch(first) if isinstance(first, Request) else first
        if verbs and verbs[0].name == "Reject":
            busy = verbs[0].get("reason") == "busy"
            self._leg.finish(EndCause.BUSY if busy else EndCause.REJECTED, EndedBy.API)
            return
        self.plan.first = verbs
        self._leg.pick_up()

    async def answered(self) -> None:
        """Tell it, send the order's digits, find out who answers, and obey the first document."""
        self._times.started = self._shared.clock.wall()
        self._progress("answered", "in-progress")
        if self.plan.send_digits:
            await self._leg.send_digits(self.plan.send_digits)
        wanted = self.plan.detection
        if wanted is not None and wanted.callback is not None and self._detection is not None:
            self._leg.tasks.start_soon(self._tell_detected, self._detection, wanted.callback)
        elif self._detection is not None:
            await self._detection.run()
        await self._performer.run(self.plan.first)

    async def ended(self) -> None:
        """The last callback of all."""
        self._times.ended = self._shared.clock.wall()
        end = self._leg.end
        if end is not None and not end.lost:
            answered = self._leg.answered
            status, sip = (
                ("completed", "200") if answered else _ENDS.get(end.cause, _ENDS[EndCause.FAILED])
            )
            if end.cause is EndCause.REJECTED and self._leg.direction is Direction.INBOUND:
                status = "no-answer"
            seconds = str(int(self._leg.line.seconds))
            minutes = str(-(-int(seconds) // 60))
            told = {"CallDuration": seconds, "Duration": minutes, "SipResponseCode": sip}
            if self.answered_by is not None:
                told["AnsweredBy"] = self.answered_by
            self._progress("completed", status, **told)
        self._poster.close()

    def caller_speaks(self) -> None:
        """Who gathers has noticed; nobody else listens."""

    def caller_said(self, text: str) -> None:
        """Who gathers has understood it."""
        if self._detection is not None:
            self._detection.said()

    def caller_pressed(self, digit: str) -> None:
        """A key goes to the media stream."""
        if self._stream is not None:
            self._stream.press(digit)

    def machine_beeped(self) -> None:
        """A message may be left now."""
        if self._detection is not None:
            self._detection.beeped()

    def stream_dropped(self) -> None:
        """The media socket is lost."""
        if self._stream is not None:
            self._stream.cut()

    # -- documents (`Office`)

    async def fetch(self, request: Request) -> Document:
        """The document behind `request`, the fall-back's, or an empty one."""
        try:
            return await self._ask(request)
        except ValueError as error:
            failed = str(error)
        self._leg.journal.add("us", "note", f"a document failed: {failed}")
        fallback = self.plan.fallback
        if fallback is None:
            return OVER
        about = {"ErrorCode": failed[:5], "ErrorUrl": request.url.partition("#")[0]}
        asked = Request(url=fallback.url, method=fallback.method, fields=about)
        try:
            return await self._ask(asked)
        except ValueError as error:
            self._leg.journal.add("us", "note", f"and so did the fall-back: {error}")
            return OVER

    async def stream(self, verb: Verb) -> None:
        """Hold a media stream."""

        def report(event: str, error: str | None = None) -> None:
            self._report_stream(verb, stream.sid, event, error)

        stream = self._stream = TwilioStream(
            verb,
            self._leg,
            account_sid=ACCOUNT,
            token=self._shared.token,
            report=report,
            fault=self._shared.fault,
        )
        try:
            await stream.run(self._shared.reach)
        finally:
            self._stream = None

    async def _ask(self, request: Request) -> Document:
        wanted, found = self.plan.detection, self._detection
        waited = wanted is not None and wanted.callback is None
        detected = found.result if waited and found is not None else {}
        fields = self._fields(**detected, **request.fields)
        token = self._shared.token
        posted = letter(request.url, fields, token=token, method=request.method)
        reply = await self._deliver(posted)
        try:
            return _document(reply)
        except ValueError as error:
            if reply is not None and reply.status < 300:
                self._shared.fault(str(error))
            raise

    async def _deliver(self, posted: Letter) -> Reply | None:
        """Bring a request there. It is not taken back when the call goes on without it."""
        over = anyio.Event()
        replies: list[Reply | None] = []

        async def fetch() -> None:
            replies.append(await self._poster.fetch(posted))
            over.set()

        self._shared.tasks.start_soon(fetch)
        await over.wait()
        return replies[0]

    # -- callbacks

    def _progress(self, event: str, status: str, **more: str) -> None:
        """A new state; who wants to know of such an `event` is told."""
        self.status = status
        if self.plan.status is None or event not in self.plan.events:
            return
        told = {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
            "Timestamp": rfc2822(self._shared.clock.wall()) or "",
        }
        self._sequence += 1
        self._notify(self.plan.status, self._fields(**told, **more))

    def _report_stream(self, verb: Verb, sid: str, event: str, error: str | None) -> None:
        if "statusCallback" not in verb.attributes:
            return
        wall = datetime.fromtimestamp(self._shared.clock.wall(), UTC)
        told = {
            "AccountSid": ACCOUNT,
            "CallSid": self._leg.id,
            "StreamSid": sid,
            "StreamName": verb.get("name", sid),
            "StreamEvent": event,
            "Timestamp": wall.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        if error is not None:
            told["StreamError"] = error
        method = verb.get("statusCallbackMethod", "POST")
        self._notify(Request(url=verb.get("statusCallback"), method=method), told)

    def _notify(self, to: Request, fields: Mapping[str, str]) -> None:
        self._poster.notify(letter(to.url, fields, token=self._shared.token, method=to.method))

    def _fields(self, **more: str) -> dict[str, str]:
        inbound = self._leg.direction is Direction.INBOUND
        caller, callee = self._leg.from_number, self._leg.to_number
        fields = {
            "CallSid": self._leg.id,
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": caller,
            "To": callee,
            "Caller": caller,
            "Called": callee,
            "CallStatus": self.status,
            "Direction": "inbound" if inbound else "outbound-api",
            "FromCity": "",
            "ToCity": "",
        }
        attested = {"StirVerstat": "TN-Validation-Passed-A"} if inbound else {}
        return {**fields, **attested, **more}

    # -- answering-machine detection

    async def _tell_detected(self, detection: MachineDetection, to: Request) -> None:
        await detection.run()
        ids = {"CallSid": self._leg.id, "AccountSid": ACCOUNT}
        self._notify(to, {**ids, **detection.result})


def _document(reply: Reply | None) -> Document:
    """The document in a reply.

    Raises:
        ValueError: there is none; the message begins with Twilio's code.
    """
    if reply is None:
        raise ValueError("11205: no answer")
    if not 200 <= reply.status < 300:
        raise ValueError(f"11200: status {reply.status}")
    content_type = reply.headers.get("content-type", "").partition(";")[0].strip()
    if content_type not in _XML:
        raise ValueError(f"12300: content type {content_type!r}")
    return read_document(reply.body.decode())
