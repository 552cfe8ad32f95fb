"""How is this provider proved? By an Acme that signs, answers and frames as its manual says.

Nothing here uses the provider's own code: what it misreads, its double must not misread alike.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from voicecall.sdk import (
    Answer,
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
    NothingHeard,
    OpenStream,
    Pause,
    PlaceMark,
    Play,
    PlayAudio,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    SpeechEnded,
    SpeechHeard,
    StopSpeaking,
    StreamChanged,
    StreamToken,
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

Json = dict[str, Any]

STREAM = "AS0123456789"
WHY = {
    "completed": "done",
    "busy": "busy",
    "no-answer": "no-answer",
    "canceled": "cancelled",
    "rejected": "refused",
    "timeout": "too-long",
    "failed": "error",
}
"""Our cause → Acme's reason; Acme knows nothing of voicemail."""

REFUSED = {
    Failure.CREDENTIALS: (401, "E01"),
    Failure.RATE: (429, "E29"),
    Failure.REFUSED: (422, "E21"),
    Failure.BROKEN: (503, "E99"),
}


class AcmeHarness(ProviderHarness):
    """Acme, played."""

    name = "acme"
    module = "voicecall_acme.plugin"
    signs_time = True
    ring_range = (5, 120)
    duration_range = (10, 14_400)

    def __init__(self, *, key: str = "the-genuine-key-of-at-least-32-bytes") -> None:
        super().__init__(key=key)
        self._calls: dict[CarrierCallId, CarrierCallStatus] = {}

    def config(self, base_url: str) -> Mapping[str, object]:
        """An account."""
        return {"apiKey": "an-api-key", "signingKey": self.key, "apiBaseUrl": base_url}

    # -- webhooks

    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """Acme's report of `event`."""
        report = told(event)
        if report is None:
            return None
        report |= {"id": event.key, "call": event.carrier_call_id}
        query = {}
        if event.call_id and event.call_secret:
            query = {"call": event.call_id, "secret": event.call_secret}
        return self._post(report, urls.webhook(**query), urls, at)

    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A report that names no call."""
        return self._post({"id": "R1", "kind": "answered"}, urls.webhook(), urls, at)

    def _post(self, report: Json, url: str, urls: CallbackUrls, at: float) -> WebhookRequest:
        body = json.dumps(report).encode()
        headers = {"content-type": "application/json", **signed(self.key, int(at), url, body)}
        return post(url, webhook_url=urls.webhook(), body=body, headers=headers, at=at)

    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """Acme looks at the status only."""
        if not 200 <= reply.status < 300:
            raise ValueError(f"Acme would deliver again after status {reply.status}")
        return ()

    # -- the REST API

    def answer(self, request: RestRequest) -> RestAnswer:
        """Acme's REST API."""
        if request.headers.get("authorization") != "Bearer an-api-key":
            return self.refusal(Failure.CREDENTIALS)
        body: Any = json.loads(request.body) if request.body else None
        match request.method, request.path.strip("/").split("/"):
            case "GET", ["account"]:
                return _json({"numbers": ["+15550001111", "+15550009999"]})
            case "POST", ["calls"]:
                return self._dial(body)
            case method, ["calls", call, *rest]:
                return self._call(method, CarrierCallId(unquote(call)), rest, body)
        return _json({"error": "E04"}, status=404)

    def _dial(self, wish: Json) -> RestAnswer:
        call = CarrierCallId(f"AC{len(self._calls)}")
        self._calls[call] = Live(answered=False)
        self.ledger.append(
            Dialled(
                carrier_call_id=call,
                to_number=wish["to"],
                ring_timeout_seconds=wish["ringSeconds"],
                max_duration_seconds=wish["maxSeconds"],
                callbacks=(wish["webhook"],),
                from_number=wish["from"],
                digits=wish["keys"],
                detects=False,
                awaits_beep=False,
            )
        )
        return _json({"call": call}, status=201)

    def _call(self, method: str, call: CarrierCallId, rest: Sequence[str], body: Any) -> RestAnswer:
        status = self._calls.get(call)
        if status is None:
            return _json({"error": "E04"}, status=404)
        if method == "GET":
            self.ledger.append(Asked(carrier_call_id=call))
            return _json(state(status))
        if isinstance(status, Ended):
            return _json({"error": "E10"}, status=410)
        if method == "DELETE":
            self.ledger.append(HungUp(carrier_call_id=call))
        elif rest == ["verbs"]:
            verbs = tuple(map(understood, body))
            self.ledger.append(Commanded(carrier_call_id=call, instructions=verbs))
        return _json({})

    def refusal(self, failure: Failure) -> RestAnswer:
        """Acme's status and code for a failure; its messages name the number."""
        status, code = REFUSED[failure]
        answer = _json({"error": code, "message": "+15550002222 refused"}, status=status)
        return replace(answer, headers={"retry-after": "7"}) if status == 429 else answer

    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """What Acme knows."""
        self._calls[call] = status

    # -- media

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """Acme's frame about `event`."""
        match event:
            case MediaStarted(carrier_call_id=call):
                return (_frame("start", stream=STREAM, call=call, encoding="ulaw"),)
            case MediaAudio(data=data):
                return (_frame("audio", data=base64.b64encode(data).decode()),)
            case MediaMark(name=name):
                return (_frame("mark", name=name),)
            case MediaDigit(digit=digit):
                return (_frame("key", key=digit),)
            case MediaStopped():
                return (_frame("stop"),)
        return ()

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What Acme does with a frame of ours; anything too many is an error there."""
        match json.loads(frame):
            case {"event": "audio", "stream": "AS0123456789", "data": str(data), **rest} if (
                not rest
            ):
                return PlayAudio(data=base64.b64decode(data, validate=True))
            case {"event": "mark", "stream": "AS0123456789", "name": str(name), **rest} if not rest:
                return PlaceMark(name=name)
            case {"event": "clear", "stream": "AS0123456789", **rest} if not rest:
                return ClearAudio()
        raise ValueError(f"no frame of Acme's: {frame!r}")


def signed(key: str, at: int, url: str, body: bytes) -> dict[str, str]:
    """The header with which Acme signs what it posts to `url` at time `at`."""
    text = f"{at}{url}".encode() + body
    digest = hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
    return {"x-acme-signature": f"{at}:{digest}"}


def told(event: CarrierEvent) -> Json | None:
    """What Acme reports of `event`, without its id and the call's; None: it has no word for it."""
    match event:
        case CallOffered(from_number=caller, to_number=callee):
            return {"kind": "incoming", "from": caller or "anonymous", "to": callee}
        case CallRinging():
            return {"kind": "ringing"}
        case CallAnswered():
            return {"kind": "answered"}
        case SpeechEnded(turn=turn, complete=complete):
            return {"kind": "spoken", "turn": turn, "complete": complete}
        case SpeechHeard(turn=turn, text=text):
            return {"kind": "heard", "turn": turn, "text": text, "confidence": 0.9}
        case DigitsPressed(turn=turn, digits=digits):
            return {"kind": "pressed", "turn": turn, "keys": digits}
        case NothingHeard(turn=turn):
            return {"kind": "silence", "turn": turn}
        case StreamChanged(change=change):
            return {"kind": "stream", "state": change.value}
        case CallEnded(cause=cause, ended_by=by) if cause in WHY:
            side = {"caller": "caller", "callee": "callee", "api": "us"}.get(by)
            return {"kind": "ended", "why": WHY[cause], "by": side}
        case UnknownEvent():
            return {"kind": "billed", "cents": 4}
    return None


def state(status: CarrierCallStatus) -> Json:
    """How Acme describes a call."""
    if isinstance(status, Ended):
        return {"up": False, "answered": True, "why": WHY[status.cause]}
    return {"up": True, "answered": isinstance(status, Live) and status.answered}


def understood(verb: Json) -> Instruction:
    """What Acme does when it is given `verb`.

    Raises:
        ValueError: Acme has no such verb.
    """
    match verb:
        case {"verb": "answer"}:
            return Answer()
        case {"verb": "reject", "busy": busy}:
            return Reject(reason=RejectReason.BUSY if busy else RejectReason.REJECTED)
        case {"verb": "say", "text": text, "voice": voice, "language": language, "turn": turn}:
            return Say(text=text, voice=voice, language=language, turn=turn)
        case {"verb": "hush"}:
            return StopSpeaking()
        case {"verb": "play", "url": url}:
            return Play(url=url)
        case {"verb": "listen", "turn": turn, "seconds": seconds, "language": language, "keys": k}:
            return Gather(turn=turn, timeout_seconds=seconds, language=language, digits=k)
        case {"verb": "stream", "url": url}:
            return OpenStream(url=url, token=StreamToken(url.rpartition("/")[2]))
        case {"verb": "press", "keys": keys}:
            return SendDigits(digits=keys)
        case {"verb": "wait", "seconds": seconds}:
            return Pause(seconds=seconds)
        case {"verb": "hang-up"}:
            return HangUp()
    raise ValueError(f"no verb of Acme's: {verb}")


def _frame(kind: str, **fields: str) -> str:
    return json.dumps({"event": kind, **fields})


def _json(value: Json, *, status: int = 200) -> RestAnswer:
    headers = {"content-type": "application/json"}
    return RestAnswer(status=status, body=json.dumps(value).encode(), headers=headers)
