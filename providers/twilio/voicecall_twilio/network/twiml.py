"""What does Twilio make of a document? Its verbs, refused where it would only warn.

https://www.twilio.com/docs/voice/twiml. Twilio skips verbs and attributes that it does not know
(warning 12200); a provider that sends one has a fault, so here it is an error. Of what Twilio
knows, what this double could not carry out is refused as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree import ElementTree

from voicecall_twilio.network.letters import read_overrides

DOCUMENT_BYTES = 64 * 1024
SAY_CHARACTERS = 4096

_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "Say": frozenset({"voice", "language", "loop"}),
    "Play": frozenset({"loop", "digits"}),
    "Pause": frozenset({"length"}),
    "Gather": frozenset(
        {
            "input",
            "action",
            "method",
            "timeout",
            "speechTimeout",
            "numDigits",
            "finishOnKey",
            "language",
            "hints",
            "speechModel",
            "enhanced",
            "profanityFilter",
            "actionOnEmptyResult",
        }
    ),
    "Connect": frozenset({"action", "method"}),
    "Stream": frozenset({"url", "name", "track", "statusCallback", "statusCallbackMethod"}),
    "Parameter": frozenset({"name", "value"}),
    "Redirect": frozenset({"method"}),
    "Reject": frozenset({"reason"}),
    "Hangup": frozenset(),
    "Dial": frozenset(
        {"callerId", "timeout", "timeLimit", "action", "method", "answerOnBridge", "hangupOnStar"}
    ),
}
_CHILDREN: Mapping[str, frozenset[str]] = {
    "Response": frozenset(_ATTRIBUTES) - {"Stream", "Parameter"},
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Connect": frozenset({"Stream"}),
    "Stream": frozenset({"Parameter"}),
}
_CALLBACKS = ("action", "statusCallback")
_LAST = ("Redirect", "Reject", "Hangup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One element of a document."""

    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: tuple[Verb, ...] = ()

    def get(self, attribute: str, default: str = "") -> str:
        """The value of `attribute`."""
        return self.attributes.get(attribute, default)


def read_document(text: str) -> tuple[Verb, ...]:
    """The verbs of a document, in order.

    Raises:
        ValueError: no document, or one with a fault; the message begins with Twilio's code.
    """
    if len(text.encode()) > DOCUMENT_BYTES:
        raise ValueError("11750: the document is longer than 64 kB")
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError as error:
        raise ValueError(f"12100: the document cannot be parsed: {error}") from error
    if root.tag != "Response" or root.attrib:
        raise ValueError("12100: the root must be <Response>")
    verbs = _children(root)
    _check_order(verbs)
    return verbs


def check_callback(url: str) -> str:
    """`url`, if Twilio could post to it.

    Raises:
        ValueError: it is not absolute, or its host is one that Twilio does not take.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"21205: not an absolute URL: {url!r}")
    if "_" in parts.hostname:
        raise ValueError(f"21609: '_' in the host name: {url!r}")
    read_overrides(parts.fragment)
    return url


def _children(element: ElementTree.Element) -> tuple[Verb, ...]:
    allowed = _CHILDREN.get(element.tag, frozenset())
    if allowed and (element.text or "").strip():
        raise ValueError(f"12200: text inside <{element.tag}>")
    for child in element:
        if child.tag not in allowed:
            raise ValueError(f"12200: <{child.tag}> inside <{element.tag}>")
        if (child.tail or "").strip():
            raise ValueError(f"12200: text behind <{child.tag}>")
    return tuple(_verb(child) for child in element)


def _verb(element: ElementTree.Element) -> Verb:
    unknown = set(element.attrib) - _ATTRIBUTES[element.tag]
    if unknown:
        raise ValueError(f"12200: <{element.tag}> has no {sorted(unknown)}")
    verb = Verb(
        name=element.tag,
        attributes=dict(element.attrib),
        text=element.text or "",
        children=_children(element),
    )
    _check(verb)
    return verb


def _check(verb: Verb) -> None:
    for attribute in _CALLBACKS:
        if attribute in verb.attributes:
            check_callback(verb.get(attribute))
    match verb.name:
        case "Say" if not verb.text.strip() or len(verb.text) > SAY_CHARACTERS:
            raise ValueError(f"13520: <Say> of {len(verb.text)} characters")
        case "Play" if ("digits" in verb.attributes) == bool(verb.text):
            raise ValueError("13420: <Play> has either a URL or digits")
        case "Redirect":
            check_callback(verb.text.strip())
        case "Pause" if not verb.get("length", "1").isdecimal():
            raise ValueError("13610: <Pause> for no whole number of seconds")
        case "Gather":
            _check_gather(verb)
        case "Stream":
            _check_stream(verb)
        case "Connect" if len(verb.children) != 1:
            raise ValueError("12200: <Connect> has one child")
        case "Reject" if verb.get("reason", "rejected") not in ("rejected", "busy"):
            raise ValueError("13710: unknown reason of <Reject>")


def _check_gather(verb: Verb) -> None:
    if verb.get("input", "dtmf") not in ("dtmf", "speech", "dtmf speech", "speech dtmf"):
        raise ValueError(f"13311: <Gather input={verb.get('input')!r}>")
    if not verb.get("timeout", "5").isdecimal() or verb.get("timeout") == "0":
        raise ValueError(f"13313: <Gather timeout={verb.get('timeout')!r}>")
    speech_timeout = verb.get("speechTimeout", "auto")
    if speech_timeout != "auto" and not speech_timeout.isdecimal():
        raise ValueError(f"13327: <Gather speechTimeout={speech_timeout!r}>")
    if speech_timeout == "auto" and "speechModel" in verb.attributes:
        raise ValueError("13335: speechTimeout='auto' beside a speechModel")
    if "action" not in verb.attributes:
        raise ValueError("<Gather> without action asks for its own document again, for ever")


def _check_stream(verb: Verb) -> None:
    parts = urlsplit(verb.get("url"))
    local = parts.scheme == "ws" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if parts.scheme != "wss" and not local:
        raise ValueError(f"31922: <Stream url={verb.get('url')!r}> is not wss")
    if parts.query or parts.fragment or not parts.hostname:
        raise ValueError("31923: the URL of a <Stream> loses its query")
    if verb.get("track", "inbound_track") != "inbound_track":
        raise ValueError(f"31941: <Connect> streams no track {verb.get('track')!r}")
    for parameter in verb.children:
        if len(parameter.get("name")) + len(parameter.get("value")) >= 500:
            raise ValueError("<Parameter> has 500 characters or more")


def _check_order(verbs: Sequence[Verb]) -> None:
    names = [verb.name for verb in verbs]
    if "Reject" in names[1:]:
        raise ValueError("12200: <Reject> is no first verb, so it does nothing")
    for name in names[:-1]:
        if name in _LAST:
            raise ValueError(f"nothing behind <{name}> is ever reached")
