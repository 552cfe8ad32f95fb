"""What does a webhook of Twilio's say? Forms, told apart by hook and by fields; sans-IO.

https://www.twilio.com/docs/voice/twiml#request-parameters. Nothing is believed of a hook's name
that the fields deny: a number's own status callback may point at any URL of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from voicecall.sdk import (
    CallAnswered,
    CallbackUrls,
    CallEnded,
    CallId,
    CallOffered,
    CallRinging,
    CarrierCallId,
    CarrierEvent,
    DigitsPressed,
    Direction,
    InstructionsWanted,
    MachineDetected,
    NothingHeard,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    TurnToken,
    UnknownEvent,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
    normalise_number,
    read_form,
)
from voicecall_twilio import links
from voicecall_twilio.outcomes import ENDED, ended_cause, machine_result
from voicecall_twilio.signatures import is_form

_WITHHELD = {"+266696687", "+7378742833", "+2562533", "+8566", "+86282452253"}
"""ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN and UNAVAILABLE on a keypad: no numbers."""
_ATTESTED = re.compile(r"TN-Validation-Passed-([ABC])\b")
_STREAM = {
    "stream-started": StreamChange.STARTED,
    "stream-stopped": StreamChange.STOPPED,
    "stream-error": StreamChange.FAILED,
}
_VOICE_HOOKS = ("", links.VOICE, links.FALLBACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A webhook, read: its hook, its fields, and the query of the URL that asked for it."""

    hook: str
    fields: Mapping[str, str]
    query: Mapping[str, str]

    def get(self, name: str) -> str:
        """Field `name`, ``""`` when it is absent."""
        return self.fields.get(name, "")

    @property
    def call(self) -> CarrierCallId:
        """Whose call it is about."""
        return CarrierCallId(self.get("CallSid"))

    @property
    def turn(self) -> TurnToken | None:
        """The turn that the URL names."""
        turn = self.query.get(links.TURN)
        return TurnToken(turn) if turn else None

    def common(self, kind: str, *, wants: bool = False) -> dict[str, Any]:
        """What every event carries. `kind` makes the key, with what orders its kind."""
        step = self.get("SequenceNumber") or self.query.get(links.STEP, "")
        call_id = self.query.get(links.CALL_ID)
        return {
            "key": "/".join((self.call, kind, self.turn or "", step)),
            "carrier_call_id": self.call,
            "call_id": CallId(call_id) if call_id else None,
            "call_secret": self.query.get(links.CALL_SECRET) or None,
            "occurred_at": _moment(self.get("Timestamp")),
            "wants_instructions": wants,
        }


def parse(webhook: VerifiedWebhook, urls: CallbackUrls) -> Sequence[CarrierEvent]:
    """What a webhook says; a kind that we do not know is an `UnknownEvent`.

    Args:
        webhook: from Twilio.
        urls: ours, to read the URL that a fall-back request names.

    Raises:
        WebhookMalformed: it does not decode, or names no call.
    """
    request = webhook.request
    if request.method == "POST" and request.body and not is_form(request):
        return (_unread(request),)
    report = read(request, urls)
    if not report.call:
        raise WebhookMalformed("it names no call: 'CallSid' is missing")
    return _events(report)


def read(request: WebhookRequest, urls: CallbackUrls) -> Report:
    """The fields of a form, or of a query; of another body none.

    Raises:
        WebhookMalformed: they do not decode.
    """
    try:
        query = dict(reversed(read_form(request.query_string)))
        # In a GET ours come first, Twilio's are appended.
        text = request.query_string if request.method != "POST" else _form_text(request)
        fields = dict(read_form(text))
    except ValueError as error:
        raise WebhookMalformed("the fields do not decode") from error
    report = Report(hook=request.hook, fields=fields, query=query)
    return _failed(report, urls) if report.hook == links.FALLBACK else report


def _form_text(request: WebhookRequest) -> str:
    return request.body.decode() if is_form(request) else ""


def _failed(report: Report, urls: CallbackUrls) -> Report:
    """A fall-back request as the request that failed, if that was to one of our hooks."""
    base = urlsplit(urls.webhook()).path.rstrip("/")
    failed = urlsplit(report.get("ErrorUrl"))
    hook = failed.path.removeprefix(base).strip("/")
    if not failed.path.startswith(base) or hook not in (links.VOICE, *_DOCUMENTS):
        return report
    try:
        query = dict(reversed(read_form(failed.query)))
    except ValueError:
        return report
    own = {name: report.query.get(name, "") for name in (links.CALL_ID, links.CALL_SECRET)}
    return replace(report, hook=hook, query=query | own)


def _events(report: Report) -> Sequence[CarrierEvent]:
    if report.get("StreamEvent"):
        return (_stream(report),)
    if report.hook == links.AMD:
        return _amd(report)
    reading = _DOCUMENTS.get(report.hook)
    status = report.get("CallStatus")
    if reading is not None:
        events = reading(report)
        if status not in ENDED:
            return events
        # The caller hung up meanwhile; nobody reads a document.
        return (*(replace(each, wants_instructions=False) for each in events), _ended(report))
    if report.hook == links.STATUS or report.get("CallbackSource") or status in ENDED:
        return (_status(report),)
    if report.hook in _VOICE_HOOKS and status:
        return _voice(report)
    return (_unknown(report, report.hook or "unnamed"),)


# -- voice requests: Twilio wants a document


def _voice(report: Report) -> Sequence[CarrierEvent]:
    direction = report.get("Direction")
    if direction == "inbound":
        return (_offered(report, Direction.INBOUND, wants=True),)
    if direction != "outbound-api":
        return (_unknown(report, f"voice.{direction or 'undirected'}"),)
    offered = () if report.query.get(links.CALL_ID) else (_elsewhere(report),)
    answered_by = report.get("AnsweredBy")
    if not answered_by:
        return (*offered, CallAnswered(**report.common("answered", wants=True)))
    return (
        *offered,
        CallAnswered(**report.common("answered"), answered_by=answered_by),
        MachineDetected(**report.common("machine", wants=True), result=machine_result(answered_by)),
    )


def _elsewhere(report: Report) -> CarrierEvent:
    """Somebody else placed this call through the account, and it points at us."""
    return _offered(report, Direction.OUTBOUND, wants=False)


def _offered(report: Report, direction: Direction, *, wants: bool) -> CarrierEvent:
    attested = _ATTESTED.match(report.get("StirVerstat"))
    return CallOffered(
        **report.common("offered", wants=wants),
        direction=direction,
        from_number=_number(report.get("From")),
        to_number=_number(report.get("To")),
        placed_elsewhere=direction is Direction.OUTBOUND,
        attestation=attested[1] if attested else None,
    )


def _number(text: str) -> str | None:
    """A number, None when it is withheld or is none (``sip:…``, ``client:…``, `anonymous`)."""
    return None if text in _WITHHELD else normalise_number(text)


# -- what follows on a document of ours


def _gathered(report: Report) -> Sequence[CarrierEvent]:
    speech = report.get("SpeechResult").strip()
    # Where nothing was said either, the key that finished the gathering was the only one.
    digits = report.get("Digits") or ("" if speech else report.get("FinishedOnKey"))
    heard: list[CarrierEvent] = []
    if digits:
        pressed = report.common("digits", wants=not speech)
        heard.append(DigitsPressed(**pressed, digits=digits, turn=report.turn))
    if speech:
        heard.append(
            SpeechHeard(
                **report.common("speech", wants=True),
                text=report.get("SpeechResult"),
                turn=report.turn,
                confidence=_confidence(report.get("Confidence")),
            )
        )
    return heard or _nothing(report)


def _nothing(report: Report) -> Sequence[CarrierEvent]:
    return (NothingHeard(**report.common("nothing", wants=True), turn=report.turn),)


def _spoken(report: Report) -> Sequence[CarrierEvent]:
    return (SpeechEnded(**report.common("spoken", wants=True), turn=report.turn),)


def _next(report: Report) -> Sequence[CarrierEvent]:
    return (InstructionsWanted(**report.common("next", wants=True)),)


def _fetched(report: Report) -> Sequence[CarrierEvent]:
    """Twilio takes a document that is written already."""
    return (_unknown(report, "document.fetched"),)


def _dialled(report: Report) -> Sequence[CarrierEvent]:
    """The person to whom the caller was transferred is gone, or never came."""
    return (_unknown(report, f"transfer.{report.get('DialCallStatus') or 'over'}"),)


_DOCUMENTS = {
    links.GATHER: _gathered,
    links.NOTHING: _nothing,
    links.SPOKEN: _spoken,
    links.NEXT: _next,
    links.DOCUMENT: _fetched,
    links.DIALLED: _dialled,
}


# -- callbacks: only the status of the answer counts


def _status(report: Report) -> CarrierEvent:
    status = report.get("CallStatus")
    if not status:
        raise WebhookMalformed("a status callback without 'CallStatus'")
    if report.get("Direction") == "outbound-dial" or report.get("ParentCallSid"):
        return _unknown(report, f"leg.{status}")
    if status in ENDED:
        return _ended(report)
    if status == "ringing":
        return CallRinging(**report.common("ringing"))
    if status == "in-progress":
        return CallAnswered(
            **report.common("picked-up"), answered_by=report.get("AnsweredBy") or None
        )
    return _unknown(report, f"call.{status}")


def _ended(report: Report) -> CarrierEvent:
    status, code = report.get("CallStatus"), report.get("SipResponseCode")
    return CallEnded(
        **report.common(status),
        cause=ended_cause(status, sip=code, answered_by=report.get("AnsweredBy")),
        detail=f"{status}, SIP {code}" if code else status,
    )


def _amd(report: Report) -> Sequence[CarrierEvent]:
    answered_by = report.get("AnsweredBy")
    if not answered_by:
        raise WebhookMalformed("a machine detection without 'AnsweredBy'")
    return (MachineDetected(**report.common("machine"), result=machine_result(answered_by)),)


def _stream(report: Report) -> CarrierEvent:
    event = report.get("StreamEvent")
    change = _STREAM.get(event)
    if change is None:
        return _unknown(report, event)
    common = report.common(f"{event}/{report.get('StreamSid')}")
    return StreamChanged(**common, change=change, detail=report.get("StreamError") or None)


def _unknown(report: Report, kind: str) -> CarrierEvent:
    return UnknownEvent(**report.common(kind), kind=kind)


def _unread(request: WebhookRequest) -> CarrierEvent:
    """JSON is what Twilio's other products send."""
    try:
        said = json.loads(request.body)
        call = said.get("CallSid") or said.get("callSid") or ""
    except (ValueError, AttributeError, RecursionError) as error:
        raise WebhookMalformed("neither a form nor a JSON object") from error
    kind = str(said.get("type") or "json")
    return UnknownEvent(key=request.url, carrier_call_id=CarrierCallId(str(call)), kind=kind)


def _confidence(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value <= 1 else None


def _moment(text: str) -> float | None:
    """Seconds since the epoch: RFC 2822 of status callbacks, ISO 8601 of stream callbacks."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return read(text).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None
