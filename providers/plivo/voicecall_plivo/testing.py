"""How is the Plivo provider proved? By a Plivo that signs, answers, fetches and frames."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, unquote, urldefrag, urlencode
from uuid import NAMESPACE_URL, uuid5

from voicecall.sdk import (
    CallbackUrls,
    CallOffered,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    Direction,
    EndCause,
    Ended,
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
    SendDigits,
    StreamOpening,
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
from voicecall_plivo import callbacks
from voicecall_plivo.double import documents, events, frames, orders, signing
from voicecall_plivo.double.endings import ENDS
from voicecall_plivo.network.answers import account_resource, answer_json, refusal, unauthorized
from voicecall_plivo.orders import MAX_TIME_LIMIT

AUTH_ID = "MAXXXXXXXXXXXXXXXXXX"
STREAM_ID = "20170ada-f610-433b-8758-c02a2aab3662"
CALLER, CALLED = "+15550002222", "+15550001111"
FORM = "application/x-www-form-urlencoded"
SIGNATURE = "x-plivo-signature-v3"
ELSEWHERE = {"answer_url": "https://elsewhere.example/answer"}
AT_MS = 1_705_312_200_000


class PlivoHarness(ProviderHarness):
    """Plivo, without its phones."""

    name = "plivo"
    module = "voicecall_plivo.plugin"
    signs_streams = True
    offers_elsewhere = True
    duration_range = (1, MAX_TIME_LIMIT)
    counters = ("sequenceNumber", "chunk", "timestamp", "sampleRate")

    def __init__(self, *, key: str = "the-genuine-key") -> None:
        super().__init__(key=key)
        self._calls: dict[str, CarrierCallStatus] = {}
        self._to_fetch: list[tuple[str, str]] = []
        self._fallback: tuple[str, str] | None = None
        self._fetched = 0

    def config(self, base_url: str) -> Mapping[str, object]:
        """An account of this Plivo."""
        return {"authId": AUTH_ID, "authToken": self.key, "apiBaseUrl": base_url}

    # -- callbacks

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """A signed callback about `event`."""
        told = events.report(event)
        if told is None:
            return None
        hook, fields = told
        query: dict[str, str] = {}
        if event.call_id and event.call_secret:
            query[callbacks.CALL_ID_QUERY] = event.call_id
            query[callbacks.CALL_SECRET_QUERY] = event.call_secret
        if getattr(event, "turn", None):
            query[callbacks.TURN_QUERY] = getattr(event, "turn", "")
        offer = event if isinstance(event, CallOffered) else None
        common = events.common_fields(
            event.carrier_call_id,
            caller=offer.from_number if offer else CALLED,
            called=(offer and offer.to_number) or CALLER,
            direction=offer.direction if offer else Direction.OUTBOUND,
        )
        url = urls.webhook(hook if query else "", **query)
        return self._post(url, {**common, **fields}, urls=urls, at=at, delivery=event.key)

    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A callback that names no call."""
        fields = {"Event": "StartApp", "From": "15550002222", "To": "15550001111"}
        return self._post(urls.webhook(), fields, urls=urls, at=at, delivery="malformed")

    def several(self, request: WebhookRequest, other: WebhookRequest) -> WebhookRequest:
        """Both signatures, joined by a comma, as while a token is changed."""
        both = f"{other.header(SIGNATURE)},{request.header(SIGNATURE)}"
        kept = tuple(pair for pair in request.headers if pair[0] != SIGNATURE)
        return replace(request, headers=(*kept, (SIGNATURE, both)))

    def fetches(self, *, urls: CallbackUrls, at: float) -> Sequence[WebhookRequest]:
        """The documents to which calls were transferred."""
        wanted, self._to_fetch = self._to_fetch, []
        return [self._fetch(url, call, urls=urls, at=at) for call, url in wanted]

    def fetched(self, request: WebhookRequest, reply: HttpReply) -> None:
        """A transferred call does what its document says."""
        call = parse_qs(request.body.decode())["CallUUID"][0]
        told = Commanded(carrier_call_id=CarrierCallId(call), instructions=self.read(reply))
        self.ledger.append(told)

    def comes_back(
        self, reply: HttpReply, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """The redirect at the end of a document."""
        url = documents.way_back(documents.read_document(reply))
        return None if url is None else self._fetch(url, "a-call", urls=urls, at=at)

    def fallback(self, *, urls: CallbackUrls, at: float) -> WebhookRequest | None:
        """The fall-back URL of the latest order."""
        if self._fallback is None:
            return None
        call, url = self._fallback
        return self._fetch(url, call, urls=urls, at=at, event="StartApp")

    def sign_stream(self, opening: StreamOpening, *, at: float) -> StreamOpening:
        """Signed as a GET of the stream's URL."""
        headers = signing.handshake_headers(token=self.key, url=opening.url, nonce=f"ws-{at:.0f}")
        return replace(opening, headers=(*opening.headers, *headers.items()))

    def _fetch(
        self, url: str, call: str, *, urls: CallbackUrls, at: float, event: str = "Redirect"
    ) -> WebhookRequest:
        self._fetched += 1
        common = events.common_fields(
            call, caller=CALLED, called=CALLER, direction=Direction.OUTBOUND
        )
        fields = {**common, "Event": event}
        return self._post(url, fields, urls=urls, at=at, delivery=f"fetch-{self._fetched}")

    def _post(
        self, url: str, fields: Mapping[str, str], *, urls: CallbackUrls, at: float, delivery: str
    ) -> WebhookRequest:
        sent = urldefrag(url).url
        nonce = str(int(sha256(delivery.encode()).hexdigest()[:16], 16))
        headers = signing.signed_headers(
            token=self.key, method="POST", url=sent, nonce=nonce, form=fields
        )
        return post(
            sent,
            webhook_url=urls.webhook(),
            body=urlencode(fields).encode(),
            headers={**headers, "content-type": FORM, "user-agent": "Plivo"},
            at=at,
        )

    # -- documents

    def read(self, reply: HttpReply) -> tuple[Instruction, ...]:
        """What the elements of a document have Plivo do."""
        return documents.instructions(documents.read_document(reply))

    # -- the REST API

    def answer(self, request: RestRequest) -> RestAnswer:
        """The resources that a provider needs, below the one account."""
        account, *path = request.path.removeprefix("/v1/Account/").rstrip("/").split("/")
        given = b64encode(f"{AUTH_ID}:{self.key}".encode()).decode()
        if account != AUTH_ID or request.headers.get("authorization") != f"Basic {given}":
            return self.refusal(Failure.CREDENTIALS)
        if not request.path.endswith("/"):
            return refusal(404, "not found")
        try:
            return self._answer(request, [unquote(segment) for segment in path])
        except ValueError as error:
            return refusal(400, str(error))

    def _answer(self, request: RestRequest, path: Sequence[str]) -> RestAnswer:
        match request.method, *path:
            case "POST", "Call":
                return self._dial(orders.read_order(request.body, orders.MAKE_CALL))
            case "GET", "Call", call:
                return self._tell(call, parse_qs(request.query).get("status", [""])[0])
            case "POST", "Call", call:
                return self._transfer(call, orders.read_order(request.body, orders.TRANSFER))
            case "POST", "Call", call, "DTMF":
                return self._press(call, orders.read_order(request.body, orders.DTMF))
            case "DELETE", "Call" | "Request" as resource, call:
                orders.read_order(request.body, orders.EMPTY)
                return self._hang_up(call, rings=resource == "Request")
            case "GET", *rest:
                return account_resource(AUTH_ID, rest, application=ELSEWHERE)
        return refusal(404, "not found")

    def _dial(self, order: Mapping[str, Any]) -> RestAnswer:
        call = CarrierCallId(str(uuid5(NAMESPACE_URL, f"call-{len(self._calls)}")))
        self._calls[call] = Live(answered=False)
        given = [url for name, url in order.items() if name.endswith("_url")]
        self._fallback = (call, order["fallback_url"]) if "fallback_url" in order else None
        self.ledger.append(
            Dialled(
                carrier_call_id=call,
                to_number=f"+{order['to']}",
                ring_timeout_seconds=order.get("ring_timeout", 120),
                max_duration_seconds=order.get("time_limit", 14_400),
                callbacks=tuple(given),
                from_number=f"+{order['from']}",
                digits=order.get("send_digits"),
                detects="machine_detection" in order,
            )
        )
        return answer_json({"message": "call fired", "request_uuid": call}, status=201)

    def _tell(self, call: str, state: str) -> RestAnswer:
        self.ledger.append(Asked(carrier_call_id=CarrierCallId(call)))
        status = self._calls.get(call)
        if isinstance(status, Live) and state == "live":
            told = "in-progress" if status.answered else "ringing"
            return answer_json({"call_uuid": call, "call_status": told, "direction": "outbound"})
        if isinstance(status, Ended) and not state:
            ending = ENDS[status.cause]
            record = {"hangup_cause_code": ending.code, "hangup_cause_name": ending.name}
            return answer_json({"call_uuid": call, "hangup_source": "Unknown", **record})
        return refusal(404, "call not found")

    def _transfer(self, call: str, order: Mapping[str, Any]) -> RestAnswer:
        if self._calls.get(call) != Live(answered=True):
            return refusal(404, "call not found")
        if order.get("legs") != "aleg" or "aleg_url" not in order:
            raise ValueError("aleg_url is mandatory")
        self._to_fetch.append((call, order["aleg_url"]))
        return answer_json({"message": "call transferred", "call_uuids": [call]}, status=202)

    def _press(self, call: str, order: Mapping[str, Any]) -> RestAnswer:
        if self._calls.get(call) != Live(answered=True):
            return refusal(404, "call not found")
        told = (SendDigits(digits=order["digits"]),)
        self.ledger.append(Commanded(carrier_call_id=CarrierCallId(call), instructions=told))
        return answer_json({"message": "digits sent"}, status=202)

    def _hang_up(self, call: str, *, rings: bool) -> RestAnswer:
        status = self._calls.get(call)
        if not isinstance(status, Live) or (rings and status.answered):
            return refusal(404, "call not found")
        self._calls[call] = Ended(cause=EndCause.COMPLETED)
        self.ledger.append(HungUp(carrier_call_id=CarrierCallId(call)))
        return RestAnswer(status=204)

    def refusal(self, failure: Failure) -> RestAnswer:
        """Plivo's answer to a failure; bad credentials are told in plain text."""
        match failure:
            case Failure.CREDENTIALS:
                return unauthorized()
            case Failure.RATE:
                return refusal(429, "too many requests", headers={"retry-after": "3"})
            case Failure.REFUSED:
                return refusal(400, {"to": ["is not a valid phone number"]})
            case Failure.BROKEN:
                return refusal(503, "service unavailable")

    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """What Plivo knows."""
        self._calls[call] = status

    # -- media

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """Plivo's frames about `event`."""
        match event:
            case MediaStarted(carrier_call_id=call):
                headers = "a=1;b=2"
                return (
                    frames.start_frame(
                        STREAM_ID, call_id=call, account_id=AUTH_ID, extra_headers=headers
                    ),
                )
            case MediaAudio(data=data):
                return (frames.media_frame(STREAM_ID, data, chunk=1, number=2, at_ms=AT_MS),)
            case MediaMark(name=name):
                return (frames.event_frame("playedStream", STREAM_ID, {"name": name}, number=7),)
            case MediaDigit(digit=digit):
                keys = {"dtmf": {"track": "inbound", "digit": digit, "timestamp": str(AT_MS)}}
                return (frames.event_frame("dtmf", STREAM_ID, keys, number=8),)
            case MediaStopped():
                return (frames.event_frame("stop", STREAM_ID, number=9),)
            case _:
                return ()

    def cleared(self, pending: Sequence[str]) -> Sequence[str | bytes]:
        """Plivo says that it cleared, and never sends the checkpoints back."""
        return (frames.event_frame("clearedAudio", STREAM_ID, number=10),)

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What a frame of ours has Plivo do."""
        return frames.read_command(frame, stream_id=STREAM_ID)
