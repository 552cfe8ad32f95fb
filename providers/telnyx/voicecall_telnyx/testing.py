"""How is the Telnyx provider proved? By a Telnyx that signs, answers and frames in few lines."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote

from voicecall.sdk import (
    Answer,
    CallbackUrls,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    Ended,
    EndedBy,
    Gather,
    HangUp,
    HttpReply,
    Instruction,
    Live,
    MediaCommand,
    MediaEvent,
    OpenStream,
    Play,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    StopSpeaking,
    StreamToken,
    Transfer,
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
from voicecall_telnyx.client_state import ClientState, read_state, write_state
from voicecall_telnyx.network import account, answers, fields, frames, phrases, reports
from voicecall_telnyx.webhooks import CALL_ID_QUERY, CALL_SECRET_QUERY

NUMBER = "+15550001111"
WEBHOOK_URL = "https://voice.example.test:8443/line/webhook"
"""What the account's application has."""
LISTEN_SECONDS = 10.0
_REFUSALS: Mapping[Failure, tuple[int, str, str]] = {
    Failure.CREDENTIALS: (401, "10009", "Authentication failed"),
    Failure.RATE: (429, "10011", "Too many requests"),
    Failure.REFUSED: (403, "10010", "Authorization failed"),
    Failure.BROKEN: (503, "10007", "Unexpected error"),
}
_REASONS = {"CALL_REJECTED": RejectReason.REJECTED, "USER_BUSY": RejectReason.BUSY}


class TelnyxHarness(ProviderHarness):
    """Telnyx, without phones."""

    name = "telnyx"
    module = "voicecall_telnyx.plugin"
    signs_url = False
    signs_time = True
    offers_elsewhere = True
    attests = True
    ring_range = (5, 600)
    duration_range = (30, 14_400)
    counters = ("sequence_number", "chunk", "timestamp", "sample_rate", "channels")

    def __init__(self, *, key: str = "the-genuine-key") -> None:
        super().__init__(key=key)
        self._calls: dict[CarrierCallId, CarrierCallStatus] = {}
        self._commands: set[str] = set()
        self._done: set[tuple[CarrierCallId, str]] = set()

    def config(self, base_url: str) -> Mapping[str, object]:
        """An account whose public key is this double's."""
        return {
            "apiKey": account.API_KEY,
            "connectionId": reports.CONNECTION_ID,
            "publicKey": reports.public_key(reports.private_key(self.key)),
            "apiBaseUrl": base_url,
        }

    # -- webhooks

    def webhook(
        self,
        event: CarrierEvent,
        *,
        urls: CallbackUrls,
        at: float,
        state: ClientState | None = None,
    ) -> WebhookRequest | None:
        """A signed report of `event`; `state`: the leg's, where it is not the event's own."""
        phrase = phrases.phrased(event)
        if phrase is None:
            return None
        kind, extra = phrase
        query: dict[str, str] = {}
        if event.call_id and event.call_secret:
            query = {CALL_ID_QUERY: event.call_id, CALL_SECRET_QUERY: event.call_secret}
            state = state or phrases.state_of(event)
        text = None if state is None else write_state(state)
        payload = reports.call_payload(event.carrier_call_id, client_state=text)
        return self._post(kind, {**payload, **extra}, query, key=event.key, urls=urls, at=at)

    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """An answered call that has no id."""
        return self._post("call.answered", {"state": "answered"}, {}, key="odd", urls=urls, at=at)

    def _post(
        self,
        kind: str,
        payload: Mapping[str, object],
        query: Mapping[str, str],
        *,
        key: str,
        urls: CallbackUrls,
        at: float,
    ) -> WebhookRequest:
        url = urls.webhook(**query)
        body = reports.report_body(kind, payload, key=reports.stable_uuid(key), at=at, url=url)
        headers = reports.signed_headers(reports.private_key(self.key), body, at=at)
        return post(url, webhook_url=urls.webhook(), body=body, headers=headers, at=at)

    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """Telnyx looks at the status only."""
        return ()

    # -- REST

    def answer(self, request: RestRequest) -> RestAnswer:
        """Telnyx's REST API."""
        if request.headers.get("authorization") != f"Bearer {account.API_KEY}":
            return self.refusal(Failure.CREDENTIALS)
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["v2", "calls"]:
                return self._dial(request.body)
            case "GET", ["v2", "calls", call]:
                return self._asked(CarrierCallId(unquote(call)))
            case "POST", ["v2", "calls", call, "actions", action] if action in fields.ACTIONS:
                return self._act(CarrierCallId(unquote(call)), action, request.body)
            case "GET", ["v2", "call_events"]:
                return self._events(parse_qs(request.query))
            case "GET", ["v2", *path]:
                return self._holding("/".join(path), parse_qs(request.query))
        return answers.NOT_FOUND

    def _dial(self, body: bytes) -> RestAnswer:
        try:
            order = fields.read_body("dial", body)
            fields.want_raw_audio(order)
        except fields.BadField as bad:
            return answers.bad_field(bad)
        call = CarrierCallId(f"v3:call/{len(self._calls)}+x")
        if order.get("command_id") in self._commands:
            return answers.problem(409, "10015", "Duplicate command")
        self._commands.add(str(order.get("command_id")))
        self._calls[call] = Live(answered=False)
        detection = order.get("answering_machine_detection", "disabled")
        self.ledger.append(
            Dialled(
                carrier_call_id=call,
                to_number=order["to"],
                ring_timeout_seconds=order.get("timeout_secs"),
                max_duration_seconds=order.get("time_limit_secs"),
                callbacks=(order["webhook_url"],),
                state=base64.b64decode(order["client_state"]).decode(),
                from_number=order["from"],
                digits=order.get("send_digits_on_answer"),
                detects=detection != "disabled",
                awaits_beep=detection in ("greeting_end", "detect_beep"),
            )
        )
        return answers.data({**_view(call, is_alive=False), "client_state": None})

    def _act(self, call: CarrierCallId, action: str, body: bytes) -> RestAnswer:
        status = self._calls.get(call)
        if status is None:
            return answers.NOT_FOUND
        if isinstance(status, Ended):
            return answers.ENDED
        try:
            given = fields.read_body(action, body)
            fields.want_raw_audio(given)
        except fields.BadField as bad:
            return answers.bad_field(bad)
        command = (call, str(given.get("command_id")))
        if command in self._done:
            return answers.data({"result": "ok"})
        self._done.add(command)
        if action == "hangup":
            self.ledger.append(HungUp(carrier_call_id=call))
        instruction = _instruction(action, given)
        if instruction is not None:
            self.ledger.append(Commanded(carrier_call_id=call, instructions=(instruction,)))
        return answers.data({"result": "ok"})

    def _asked(self, call: CarrierCallId) -> RestAnswer:
        status = self._calls.get(call)
        if status is None:
            return answers.NOT_FOUND
        self.ledger.append(Asked(carrier_call_id=call))
        return answers.data(_view(call, is_alive=isinstance(status, Live)))

    def _holding(self, path: str, query: Mapping[str, Sequence[str]]) -> RestAnswer:
        if path == f"connections/{reports.CONNECTION_ID}/active_calls":
            return answers.data([])
        application = account.Application(webhook_event_url=WEBHOOK_URL)
        return account.resource(path, query, number=NUMBER, application=application)

    def _events(self, query: Mapping[str, Sequence[str]]) -> RestAnswer:
        """What happened to a leg: whether it was answered, and why it ended."""
        (leg,), (name,) = query["filter[leg_id]"], query["filter[name]"]
        for call, status in self._calls.items():
            payload = reports.call_payload(call)
            if payload["call_leg_id"] != leg:
                continue
            ended = name == "call.hangup" and isinstance(status, Ended)
            if ended and isinstance(status, Ended):
                payload |= phrases.hangup(status.cause, EndedBy.UNKNOWN)
            elif not (name == "call.answered" and isinstance(status, Live) and status.answered):
                continue
            return answers.data([{"name": name, "metadata": {"payload": payload}}])
        return answers.data([])

    def refusal(self, failure: Failure) -> RestAnswer:
        """Telnyx's answer to a failure."""
        status, code, title = _REFUSALS[failure]
        answer = answers.problem(status, code, title)
        if failure is not Failure.RATE:
            return answer
        return RestAnswer(
            status=status, body=answer.body, headers={**answer.headers, "retry-after": "7"}
        )

    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """What Telnyx knows."""
        self._calls[call] = status

    # -- media

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """Telnyx's frames about `event`."""
        return frames.frames(event)

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What Telnyx does with a frame of ours."""
        return frames.read_frame(frame)


def _instruction(action: str, given: Mapping[str, Any]) -> Instruction | None:
    """What a command has Telnyx do for us; None for what only prepares another."""
    state = read_state(given.get("client_state")) or ClientState()
    match action:
        case "answer":
            return Answer()
        case "reject":
            return Reject(reason=_REASONS[given["cause"]])
        case "hangup":
            return HangUp()
        case "speak":
            return Say(text=given["payload"], voice=given["voice"], turn=state.say)
        case "playback_start":
            return Play(url=given["audio_url"])
        case "playback_stop":
            return StopSpeaking()
        case "transcription_start" if state.listen is not None:
            return Gather(turn=state.listen, timeout_seconds=LISTEN_SECONDS)
        case "streaming_start":
            url = given["stream_url"]
            return OpenStream(url=url, token=StreamToken(url.rpartition("/")[2]))
        case "send_dtmf":
            return SendDigits(digits=given["digits"])
        case "transfer":
            return Transfer(to=given["to"])
    return None


def _view(call: CarrierCallId, *, is_alive: bool) -> dict[str, object]:
    return {"record_type": "call", "is_alive": is_alive, **reports.call_payload(call)}
