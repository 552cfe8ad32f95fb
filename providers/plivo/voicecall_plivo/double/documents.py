"""How does Plivo read a document? Element by element, refusing what it does not document.

https://www.plivo.com/docs/voice/xml/overview
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit
from xml.etree.ElementTree import Element, ParseError, fromstring

from voicecall.sdk import (
    Gather,
    HangUp,
    HttpReply,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    StreamToken,
    Transfer,
    TurnToken,
)
from voicecall_plivo.callbacks import TURN_QUERY

MAX_BYTES = 100_000
MAX_SPEAK_CHARACTERS = 3000
MAX_STREAM_URL = 2048

_BOOLEAN = "true|false"
_METHOD = "GET|POST"
_URL = r"https?://[!-~]+"
_NUMBER = r"[0-9]+"
_SECONDS = r"auto|[2-9]|10"
_TEXT = r".+"

ATTRIBUTES: Mapping[str, Mapping[str, str]] = {
    "Speak": {"voice": _TEXT, "language": _TEXT, "loop": _NUMBER},
    "Play": {"loop": _NUMBER},
    "Wait": {"length": _NUMBER, "silence": _BOOLEAN, "minSilence": _NUMBER, "beep": _BOOLEAN},
    "GetInput": {
        "action": _URL,
        "method": _METHOD,
        "inputType": "dtmf|speech|dtmf speech|speech dtmf",
        "executionTimeout": r"[5-9]|[1-5][0-9]|60",
        "digitEndTimeout": _SECONDS,
        "speechEndTimeout": _SECONDS,
        "finishOnKey": _TEXT,
        "numDigits": _NUMBER,
        "speechModel": "default|command_and_search|phone_call",
        "hints": _TEXT,
        "language": _TEXT,
        "interimSpeechResultsCallback": _URL,
        "interimSpeechResultsCallbackMethod": _METHOD,
        "log": _BOOLEAN,
        "redirect": _BOOLEAN,
        "profanityFilter": _BOOLEAN,
    },
    "Hangup": {"reason": "rejected|busy", "schedule": _NUMBER},
    "Redirect": {"method": _METHOD},
    "DTMF": {"async": _BOOLEAN},
    "Dial": {"callerId": _NUMBER, "timeout": _NUMBER, "timeLimit": _NUMBER},
    "Number": {},
    "Stream": {
        "bidirectional": _BOOLEAN,
        "keepCallAlive": _BOOLEAN,
        "contentType": r"audio/x-mulaw;rate=8000|audio/x-l16;rate=(8000|16000|24000)",
        "audioTrack": "inbound|outbound|both",
        "streamTimeout": _NUMBER,
        "statusCallbackUrl": _URL,
        "statusCallbackMethod": _METHOD,
        "extraHeaders": r"[A-Za-z0-9=,]{1,512}",
        "noiseCancellation": _BOOLEAN,
        "noiseCancellationLevel": _NUMBER,
    },
}
CHILDREN: Mapping[str, frozenset[str]] = {
    "Response": frozenset(ATTRIBUTES) - {"Number"},
    "GetInput": frozenset({"Speak", "Play", "Wait"}),
    "Dial": frozenset({"Number"}),
}
TEXTS: Mapping[str, str] = {
    "Speak": rf"(?s).{{1,{MAX_SPEAK_CHARACTERS}}}",
    "Play": _URL,
    "Redirect": _URL,
    "DTMF": r"[0-9A-D*#wW]+",
    "Number": r"[0-9]{7,15}",
    "Stream": r"wss?://[!-~]+",
}
REQUIRED: Mapping[str, frozenset[str]] = {"GetInput": frozenset({"action"})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One element: what Plivo does next."""

    tag: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Verb, ...]


def read_document(reply: HttpReply) -> tuple[Verb, ...]:
    """The elements of an answer, none when it has no body.

    Raises:
        ValueError: Plivo would not accept it.
    """
    if not reply.body:
        return ()
    kinds = [value.partition(";")[0] for name, value in reply.headers if name == "content-type"]
    if kinds not in (["application/xml"], ["text/xml"]):
        raise ValueError(f"Plivo reads XML only, not {kinds!r}")
    if len(reply.body) >= MAX_BYTES:
        raise ValueError(f"a document of {len(reply.body)} bytes; Plivo takes {MAX_BYTES}")
    try:
        root = fromstring(reply.body)
    except ParseError as error:
        raise ValueError(f"no XML: {error}") from error
    if root.tag != "Response" or root.attrib or (root.text or "").strip():
        raise ValueError(f"the root is {root.tag!r} with {root.attrib!r} and {root.text!r}")
    return _children(root)


def instructions(verbs: Iterable[Verb]) -> tuple[Instruction, ...]:
    """What a document has Plivo do, in our words; the way back to us is none of it."""
    return tuple(each for verb in verbs for each in _meant(verb))


def way_back(verbs: Iterable[Verb]) -> str | None:
    """The URL to which a document leads at its end."""
    last = list(verbs)[-1:]
    return last[0].text if last and last[0].tag == "Redirect" else None


def _children(parent: Element) -> tuple[Verb, ...]:
    allowed = CHILDREN.get(parent.tag, frozenset())
    for child in parent:
        if child.tag not in allowed:
            raise ValueError(f"<{child.tag}> inside of <{parent.tag}>")
        if child.tail and child.tail.strip():
            raise ValueError(f"loose text behind <{child.tag}>")
    return tuple(_verb(child) for child in parent)


def _verb(element: Element) -> Verb:
    tag, text = element.tag, element.text or ""
    for name, value in element.attrib.items():
        pattern = ATTRIBUTES[tag].get(name)
        if pattern is None or re.fullmatch(pattern, value) is None:
            raise ValueError(f"<{tag}> with {name}={value!r}")
    if REQUIRED.get(tag, frozenset()) - set(element.attrib):
        raise ValueError(f"<{tag}> lacks one of {sorted(REQUIRED[tag])}")
    if re.fullmatch(TEXTS.get(tag, r"\s*"), text) is None:
        raise ValueError(f"<{tag}> with the text {text[:80]!r}")
    if tag == "Stream":
        _check_stream(element.attrib, text)
    return Verb(tag=tag, attributes=dict(element.attrib), text=text, children=_children(element))


def _check_stream(attributes: Mapping[str, str], url: str) -> None:
    if len(url) > MAX_STREAM_URL:
        raise ValueError(f"a stream URL of {len(url)} characters")
    if attributes.get("bidirectional") == "true" and attributes.get("audioTrack") != "inbound":
        raise ValueError("a two-way stream has the inbound track only")
    if "contentType" not in attributes:
        raise ValueError("the default of contentType is documented in two ways")


def _meant(verb: Verb) -> Iterable[Instruction]:
    attributes = verb.attributes
    match verb.tag:
        case "Speak":
            yield Say(text=verb.text, voice=attributes.get("voice"))
        case "Play":
            yield Play(url=verb.text)
        case "Wait":
            yield Pause(seconds=float(attributes.get("length", "1")))
        case "GetInput":
            yield from instructions(verb.children)
            yield _gather(attributes)
        case "Hangup" if "reason" in attributes:
            yield Reject(reason=RejectReason(attributes["reason"]))
        case "Hangup":
            yield HangUp()
        case "DTMF":
            yield SendDigits(digits=verb.text)
        case "Dial":
            yield from (Transfer(to=f"+{child.text}") for child in verb.children)
        case "Stream":
            token = StreamToken(verb.text.rpartition("/")[2])
            yield OpenStream(url=verb.text, token=token)


def _gather(attributes: Mapping[str, str]) -> Gather:
    turn = parse_qs(urlsplit(attributes["action"]).query)[TURN_QUERY][0]
    return Gather(
        turn=TurnToken(turn),
        timeout_seconds=float(attributes.get("executionTimeout", "15")),
        digits="dtmf" in attributes.get("inputType", "dtmf"),
    )
