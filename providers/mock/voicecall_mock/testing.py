"""How is the mock provider proved? By a network that signs, answers and frames in few lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote

import msgspec

from voicecall.sdk import (
    CallAnswered,
    CallbackUrls,
    CallEnded,
    CallOffered,
    CallRinging,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    ClearAudio,
    DigitsPressed,
    Ended,
    HttpReply,
    Instruction,
    InstructionsWanted,
    Live,
    MachineDetected,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaError,
    MediaEvent,
    MediaMark,
    MediaStarted,
    MediaStopped,
    NothingHeard,
    PlaceMark,
    PlayAudio,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    UnknownEvent,
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
from voicecall_mock import documents, media, webhooks
from voicecall_mock.orders import CallView, PlaceOrder

STREAM_ID = "MS0123456789abcdef"
KINDS: Mapping[type[CarrierEvent], str] = {
    CallOffered: "call.offered",
    CallRinging: "call.ringing",
    CallAnswered: "call.answered",
    CallEnded: "call.ended",
    SpeechEnded: "speech.ended",
    SpeechHeard: "speech.heard",
    NothingHeard: "gather.timeout",
    DigitsPressed: "digits",
    InstructionsWanted: "instructions.wanted",
    MachineDetected: "machine.detected",
}
WANTING = (CallOffered, CallAnswered, SpeechHeard, NothingHeard, InstructionsWanted)
STREAMS = {
    StreamChange.STARTED: "stream.started",
    StreamChange.STOPPED: "stream.stopped",
    StreamChange.FAILED: "stream.failed",
}
FIELDS = (
    "from_number",
    "to_number",
    "placed_elsewhere",
    "attestation",
    "turn",
    "text",
    "digits",
    "complete",
    "result",
    "cause",
)
REFUSALS: Mapping[Failure, int] = {
    Failure.CREDENTIALS: 401,
    Failure.RATE: 429,
    Failure.REFUSED: 422,
    Failure.BROKEN: 503,
}


class MockHarness(ProviderHarness):
    """The simulated network, without its phones."""

    name = "mock"
    module = "voicecall_mock.plugin"
    signs_url = True
    signs_time = True
    offers_elsewhere = True
    attests = True
    counters = ("sampleRate", "channels")
    wanting: ClassVar[tuple[type[CarrierEvent], ...]] = WANTING
    """The reports whose answer steers the call."""

    def __init__(self, *, key: str = "the-genuine-key") -> None:
        super().__init__(key=key)
        self._calls: dict[str, CarrierCallStatus] = {}

    def config(self, base_url: str) -> Mapping[str, object]:
        """A network in a process of its own, as the provider sees it."""
        return {"networkUrl": base_url, "secret": self.key}

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """A signed report of `event`."""
        kind = _kind(event)
        if kind is None:
            return None
        report = webhooks.Report(
            delivery_id=f"DE-{event.key}",
            event_id=f"EV-{event.key}",
            kind=kind,
            call_id=event.carrier_call_id,
            occurred_at=at,
            wants_instructions=isinstance(event, self.wanting),
            **{name: getattr(event, name) for name in FIELDS if hasattr(event, name)},
        )
        return self._post(msgspec.json.encode(report), event, urls, at)

    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A report that names no call."""
        return self._post(b'{"kind":"call.answered","deliveryId":"DE-1"}', None, urls, at)

    def _post(
        self, body: bytes, event: CarrierEvent | None, urls: CallbackUrls, at: float
    ) -> WebhookRequest:
        query: dict[str, str] = {}
        if event is not None and event.call_id and event.call_secret:
            query[webhooks.CALL_ID_QUERY] = event.call_id
            query[webhooks.CALL_SECRET_QUERY] = event.call_secret
        url = urls.webhook("call" if query else "", **query)
        signature = webhooks.sign(key=self.key, at=int(at), method="POST", url=url, body=body)
        headers = {webhooks.SIGNATURE_HEADER: signature, "content-type": "application/json"}
        return post(url, webhook_url=urls.webhook(), body=body, headers=headers, at=at)

    def several(self, request: WebhookRequest, other: WebhookRequest) -> WebhookRequest:
        """One time and two signatures, as while a key is changed."""
        name = webhooks.SIGNATURE_HEADER
        signatures = other.header_values(name)[0].partition(",")[2]
        both = f"{request.header_values(name)[0]},{signatures}"
        kept = tuple(pair for pair in request.headers if pair[0] != name)
        return replace(request, headers=(*kept, (name, both)))

    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """A document is what the network reads."""
        return documents.read(reply.body)

    def answer(self, request: RestRequest) -> RestAnswer:
        """The network's REST API, for one call at a time."""
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v1", "gateways"]:
                return _json({})
            case "POST", ["v1", "calls"]:
                return self._dial(msgspec.json.decode(request.body, type=PlaceOrder))
            case method, ["v1", "calls", call, *rest]:
                return self._call(method, CarrierCallId(unquote(call)), rest, request.body)
        return _refusal(404, "there is no such thing")

    def _dial(self, order: PlaceOrder) -> RestAnswer:
        call = CarrierCallId(f"MC{len(self._calls)}")
        self._calls[call] = Live(answered=False)
        self.ledger.append(
            Dialled(
                carrier_call_id=call,
                to_number=order.to_number,
                ring_timeout_seconds=order.ring_timeout_seconds,
                max_duration_seconds=order.max_duration_seconds,
                callbacks=(order.callback_url,),
                from_number=order.from_number,
                digits=order.dtmf_sequence,
                detects=order.detect_machine,
            )
        )
        return _json(CallView(id=call, state="ringing", direction="outbound"), status=201)

    def _call(
        self, method: str, call: CarrierCallId, rest: Sequence[str], body: bytes
    ) -> RestAnswer:
        status = self._calls.get(call)
        if status is None:
            return _refusal(404, "the network does not know the call")
        if method == "GET":
            self.ledger.append(Asked(carrier_call_id=call))
            return _json(_view(call, status))
        if isinstance(status, Ended):
            return _refusal(410, "the call has ended")
        if method == "DELETE":
            self.ledger.append(HungUp(carrier_call_id=call))
        elif rest == ["commands"]:
            self.ledger.append(Commanded(carrier_call_id=call, instructions=documents.read(body)))
        return _json({})

    def refusal(self, failure: Failure) -> RestAnswer:
        """The network's status for a failure."""
        refusal = _refusal(REFUSALS[failure], f"refused: {failure}")
        if failure is Failure.RATE:
            return replace(refusal, headers={**refusal.headers, "retry-after": "7"})
        return refusal

    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """What the network knows."""
        self._calls[call] = status

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """The network's frames about `event`."""
        return tuple(media.write_frame(frame) for frame in _frames(event))

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What the network does with a frame of ours."""
        try:
            heard = media.read_gateway_frame(frame)
        except MediaError as error:
            raise ValueError(str(error)) from error
        if heard.stream_id != STREAM_ID:
            raise ValueError(f"a frame for stream {heard.stream_id!r}")
        match heard:
            case media.Media(payload=payload):
                return PlayAudio(data=payload)
            case media.Mark(name=name):
                return PlaceMark(name=name)
            case media.Clear():
                return ClearAudio()


def _kind(event: CarrierEvent) -> str | None:
    match event:
        case UnknownEvent(kind=kind):
            return kind
        case StreamChanged(change=change):
            return STREAMS[change]
    return KINDS.get(type(event))


def _frames(event: MediaEvent) -> Sequence[media.FromNetwork]:
    match event:
        case MediaStarted(carrier_call_id=call):
            return (media.Connected(), media.Start(stream_id=STREAM_ID, call_id=call))
        case MediaAudio(data=data):
            return (media.Media(stream_id=STREAM_ID, payload=data),)
        case MediaMark(name=name):
            return (media.Mark(stream_id=STREAM_ID, name=name),)
        case MediaDigit(digit=digit):
            return (media.Dtmf(stream_id=STREAM_ID, digit=digit),)
        case MediaStopped():
            return (media.Stop(stream_id=STREAM_ID),)
        case _:
            return ()


def _view(call: CarrierCallId, status: CarrierCallStatus) -> CallView:
    match status:
        case Ended(cause=cause, ended_by=ended_by):
            state = "ended"
            return CallView(
                id=call, state=state, direction="outbound", cause=cause, ended_by=ended_by
            )
        case Live(answered=True):
            return CallView(id=call, state="answered", direction="outbound")
        case _:
            return CallView(id=call, state="ringing", direction="outbound")


def _json(body: Any, *, status: int = 200) -> RestAnswer:
    headers = {"content-type": "application/json"}
    return RestAnswer(status=status, body=msgspec.json.encode(body), headers=headers)


def _refusal(status: int, message: str) -> RestAnswer:
    return _json({"code": str(status), "message": message}, status=status)
