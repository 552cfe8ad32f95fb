"""How is the Twilio provider proved? By a Twilio that signs, reads TwiML and answers, strictly.

It signs with the SDK's own `RequestValidator`, which our verifier does not use.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit
from uuid import NAMESPACE_URL, uuid5

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from voicecall.sdk import (
    CallbackUrls,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    EndCause,
    Ended,
    Gather,
    HangUp,
    HttpReply,
    Instruction,
    Live,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaEvent,
    MediaMark,
    MediaStarted,
    MediaStopped,
    OpenStream,
    Pause,
    Play,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    StreamOpening,
    StreamToken,
    Transfer,
    TurnToken,
    WebhookRequest,
)
from voicecall_conformance import (
    Asked,
    Commanded,
    Dialled,
    Failure,
    HungUp,
    ProviderHarness,
    RestAnswer,
    RestRequest,
    post,
)
from voicecall_twilio.network.frames import CONNECTED, FrameWriter, hear
from voicecall_twilio.network.phrases import ACCOUNT, SOMEBODY, STREAM, phrase, progress
from voicecall_twilio.network.resource import Refused, only, read_create, read_update
from voicecall_twilio.network.twiml import Verb, read_document

_REFUSALS: Mapping[Failure, Refused] = {
    Failure.CREDENTIALS: Refused(20003, "Authenticate", status=401),
    Failure.RATE: Refused(20429, "Too Many Requests", status=429),
    Failure.REFUSED: Refused(21215, f"Account not authorized to call {SOMEBODY}."),
}
_STATES: Mapping[EndCause, str] = {
    EndCause.BUSY: "busy",
    EndCause.NO_ANSWER: "no-answer",
    EndCause.CANCELED: "canceled",
    EndCause.FAILED: "failed",
}
_CALLBACKS = ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback")


class TwilioHarness(ProviderHarness):
    """Twilio, one call at a time, without a network."""

    name = "twilio"
    module = "voicecall_twilio.plugin"
    signs_url = True
    signs_time = False
    signs_streams = True
    offers_elsewhere = True
    attests = True
    ring_range = (1, 600)
    duration_range = (1, 86_400)
    counters = ("sequenceNumber", "chunk", "timestamp", "sampleRate", "channels")

    def __init__(self, *, key: str = "the-genuine-key") -> None:
        super().__init__(key=key)
        self.calls: dict[str, CarrierCallStatus] = {}
        self.orders: list[Mapping[str, Sequence[str]]] = []
        """The forms of the orders to dial."""
        self._frames = FrameWriter(stream_sid=STREAM, account_sid=ACCOUNT)
        self._call_sid = ""
        self._unfetched: list[tuple[CarrierCallId, str]] = []

    def config(self, base_url: str) -> Mapping[str, object]:
        """An account at another origin."""
        return {"accountSid": ACCOUNT, "authToken": self.key, "apiBaseUrl": base_url}

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """A signed form about `event`."""
        phrased = phrase(event, at)
        if phrased is None:
            return None
        hook, query, fields = phrased
        if event.call_id and event.call_secret:
            query = {"callId": event.call_id, "secret": event.call_secret, **query}
        fields = {"CallSid": event.carrier_call_id, **fields}
        return self.post(urls.webhook(hook, **query), fields, urls=urls, at=at, name=event.key)

    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A status callback that names no call."""
        fields = {"CallStatus": "completed"}
        return self.post(urls.webhook("status"), fields, urls=urls, at=at, name="malformed")

    def post(
        self,
        url: str,
        fields: Mapping[str, str],
        *,
        urls: CallbackUrls,
        at: float,
        name: str,
    ) -> WebhookRequest:
        """The request by which Twilio posts `fields` to the callback `url`; `name` its delivery."""
        form = {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", **fields}
        url = url.partition("#")[0]
        signature = RequestValidator(self.key).compute_signature(url, form)
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
            "x-twilio-signature": signature,
            "i-twilio-idempotency-token": str(uuid5(NAMESPACE_URL, name)),
            "user-agent": "TwilioProxy/1.1",
            "x-home-region": "us1",
        }
        body = urlencode(form).encode()
        return post(url, webhook_url=urls.webhook(), body=body, headers=headers, at=at)

    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """What Twilio makes of an answer."""
        if not reply.body:
            return ()
        content_type = dict(reply.headers).get("content-type", "").partition(";")[0]
        if content_type not in ("text/xml", "application/xml"):
            raise ValueError(f"12300: content type {content_type!r} is none of a document")
        return meant(read_document(reply.body.decode()))

    def answer(self, request: RestRequest) -> RestAnswer:
        """The call resource of one account."""
        try:
            return self._answer(request)
        except Refused as error:
            return _json(error.answer(), status=error.status)

    def _answer(self, request: RestRequest) -> RestAnswer:
        login = base64.b64encode(f"{ACCOUNT}:{self.key}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {login}":
            raise Refused(20003, "Authenticate", status=401)
        root = f"/2010-04-01/Accounts/{ACCOUNT}/Calls"
        if (request.method, request.path) == ("POST", f"{root}.json"):
            return self._dial(read_create(request.body.decode()))
        name = request.path.removeprefix(f"{root}/").removesuffix(".json")
        if not request.path.startswith(f"{root}/") or "/" in name:
            raise Refused(20404, "The requested resource was not found", status=404)
        return self._call(request, CarrierCallId(unquote(name)))

    def _dial(self, fields: Mapping[str, Sequence[str]]) -> RestAnswer:
        call = CarrierCallId(f"CA{len(self.calls):032x}")
        self.calls[call] = Live(answered=False)
        self.orders.append(fields)
        self.ledger.append(
            Dialled(
                carrier_call_id=call,
                to_number=only(fields, "To"),
                ring_timeout_seconds=float(only(fields, "Timeout", "60")),
                max_duration_seconds=float(only(fields, "TimeLimit", "14400")),
                callbacks=tuple(only(fields, name) for name in _CALLBACKS if name in fields),
                from_number=only(fields, "From"),
                digits=only(fields, "SendDigits") or _query(only(fields, "Url")).get("digits"),
                detects="MachineDetection" in fields,
                awaits_beep=only(fields, "MachineDetection") == "DetectMessageEnd",
            )
        )
        return _json({"sid": call, "status": "queued", "direction": "outbound-api"}, status=201)

    def _call(self, request: RestRequest, call: CarrierCallId) -> RestAnswer:
        status = self.calls.get(call)
        if status is None:
            raise Refused(20404, "The requested resource was not found", status=404)
        if request.method == "GET":
            self.ledger.append(Asked(carrier_call_id=call))
            return _json({"sid": call, "status": _state(status), "answered_by": None})
        fields = read_update(request.body.decode())
        if isinstance(status, Ended):
            raise Refused(21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in fields:
            self.ledger.append(HungUp(carrier_call_id=call))
        elif "Url" in fields:
            self._unfetched.append((call, only(fields, "Url")))
        else:
            told = meant(read_document(only(fields, "Twiml")))
            self.ledger.append(Commanded(carrier_call_id=call, instructions=told))
        return _json({"sid": call, "status": "in-progress"})

    def fetches(self, *, urls: CallbackUrls, at: float) -> Sequence[WebhookRequest]:
        """The documents whose address came in the place of a document."""
        unfetched, self._unfetched = self._unfetched, []
        return [self._asks(call, url, urls=urls, at=at) for call, url in unfetched]

    def fetched(self, request: WebhookRequest, reply: HttpReply) -> None:
        """Such a document is here."""
        call = CarrierCallId(dict(parse_qsl(request.body.decode()))["CallSid"])
        told = tuple(self.read(reply))
        self.ledger.append(Commanded(carrier_call_id=call, instructions=told))

    def comes_back(
        self, reply: HttpReply, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """A document is at its end where it says `Redirect`."""
        last = read_document(reply.body.decode())[-1]
        if last.name != "Redirect":
            return None
        return self._asks(CarrierCallId("CA" + "0" * 32), last.text, urls=urls, at=at)

    def fallback(self, *, urls: CallbackUrls, at: float) -> WebhookRequest | None:
        """What came with the order for the case that its `Url` fails."""
        order, failed = self.orders[-1], {"ErrorCode": "11200"}
        call, url = CarrierCallId(list(self.calls)[-1]), only(order, "FallbackUrl")
        failed["ErrorUrl"] = only(order, "Url")
        return self._asks(call, url, urls=urls, at=at, **failed)

    def _asks(
        self, call: CarrierCallId, url: str, *, urls: CallbackUrls, at: float, **more: str
    ) -> WebhookRequest:
        fields = {"CallSid": call, **progress("in-progress"), **more}
        return self.post(url, fields, urls=urls, at=at, name=url)

    def sign_stream(self, opening: StreamOpening, *, at: float) -> StreamOpening:
        """The handshake's URL is signed, and nothing else."""
        signature = RequestValidator(self.key).compute_signature(opening.url, {})
        return replace(opening, headers=(*opening.headers, ("x-twilio-signature", signature)))

    def refusal(self, failure: Failure) -> RestAnswer:
        """Twilio's answer to what it will not do."""
        error = _REFUSALS.get(failure)
        if error is None:
            return RestAnswer(status=503, body=b"<html>upstream connect error</html>")
        headers = {"retry-after": "7"} if failure is Failure.RATE else {}
        return _json(error.answer(), status=error.status, headers=headers)

    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """What the call resource says."""
        self.calls[call] = status

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """Twilio's frames about `event`."""
        match event:
            case MediaStarted(carrier_call_id=call):
                self._call_sid = call
                return (CONNECTED, self._frames.start(call))
            case MediaAudio(data=data):
                return (self._frames.media(data),)
            case MediaMark(name=name):
                return (self._frames.mark(name),)
            case MediaDigit(digit=digit):
                return (self._frames.dtmf(digit),)
            case MediaStopped():
                return (self._frames.stop(self._call_sid),)
        return ()

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What Twilio does with a frame of ours."""
        return hear(frame, stream_sid=STREAM)


def meant(verbs: Sequence[Verb]) -> tuple[Instruction, ...]:
    """What the verbs of a document have the call do; where it goes on is no instruction."""
    return tuple(each for verb in verbs for each in _meant(verb))


def _meant(verb: Verb) -> Sequence[Instruction]:
    match verb.name:
        case "Say":
            return (Say(text=verb.text, voice=verb.get("voice"), language=verb.get("language")),)
        case "Play" if "digits" in verb.attributes:
            return (SendDigits(digits=verb.get("digits")),)
        case "Play":
            return (Play(url=verb.text),)
        case "Pause":
            return (Pause(seconds=float(verb.get("length", "1"))),)
        case "Gather":
            return (*meant(verb.children), _gather(verb))
        case "Connect":
            url = verb.children[0].get("url")
            return (OpenStream(url=url, token=StreamToken(url.rpartition("/")[2])),)
        case "Dial":
            return (Transfer(to=verb.text),)
        case "Reject":
            return (Reject(reason=RejectReason(verb.get("reason", "rejected"))),)
        case "Hangup":
            return (HangUp(),)
    return ()


def _gather(verb: Verb) -> Gather:
    return Gather(
        turn=TurnToken(_query(verb.get("action"))["turn"]),
        timeout_seconds=float(verb.get("timeout", "5")),
        language=verb.get("language") or None,
        digits="dtmf" in verb.get("input", "dtmf"),
    )


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _state(status: CarrierCallStatus) -> str:
    match status:
        case Ended(cause=cause):
            return _STATES.get(cause, "completed")
        case Live(answered=True):
            return "in-progress"
    return "ringing"


def _json(
    body: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> RestAnswer:
    answer = {"content-type": "application/json", **(headers or {})}
    return RestAnswer(status=status, body=json.dumps(body).encode(), headers=answer)
