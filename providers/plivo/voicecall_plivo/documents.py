"""How is Plivo told what to do? Instructions as an XML document.

https://www.plivo.com/docs/voice/xml/overview. A document that runs out hangs up, so one that
shall not ends in a redirect to us, which says what has come to its end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from voicecall.sdk import (
    Answer,
    Gather,
    HangUp,
    HttpReply,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    Say,
    SendDigits,
    StopSpeaking,
    Transfer,
    TurnToken,
)
from voicecall_plivo import callbacks
from voicecall_plivo.callbacks import Callbacks

KEEP_ALIVE_SECONDS = 20
MAX_SPEAK_CHARACTERS = 3000
"""Of one ``Speak``; a longer text is cut at blanks into several."""
MAX_SPOKEN_CHARACTERS = 15_000
"""Of one instruction, so that a document stays below Plivo's 100 kB whatever the text."""
LISTEN_SECONDS = (5, 60)
"""The range of ``executionTimeout``."""
SORRY = "We are sorry, this call cannot be served right now. Please try again later."
XML_HEADERS = (("content-type", "application/xml"),)

_VOICES = {"woman": "WOMAN", "female": "WOMAN", "man": "MAN", "male": "MAN"}
_POLLY = re.compile(r"Polly\.[A-Za-z-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}-[A-Z]{2}")
_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What instructions leave open: Plivo's voice, its language, the number that transfers."""

    voice: str
    language: str
    caller_id: str | None

    def voice_for(self, asked: str | None) -> str:
        """The voice that Plivo knows under the name that was `asked` for, else its own."""
        if asked is None or not _POLLY.fullmatch(asked):
            return _VOICES.get((asked or "").lower(), self.voice)
        return asked

    def language_for(self, asked: str | None) -> str:
        """The language that was `asked` for, where it names its region as Plivo wants it."""
        return asked if asked is not None and _LANGUAGE.fullmatch(asked) else self.language


def document(instructions: Sequence[Instruction], style: Style, urls: Callbacks) -> HttpReply:
    """`instructions` as an answer; without any the line is kept open."""
    writer = _Writer(style, urls)
    rest = list(instructions or [Pause(seconds=KEEP_ALIVE_SECONDS)])
    while rest:
        each = rest.pop(0)
        follower = rest[0] if rest else None
        if isinstance(each, Say) and isinstance(follower, Gather) and not each.protected:
            writer.gather(follower, prompt=each)
            rest.pop(0)
        else:
            writer.write(each)
    return HttpReply(headers=XML_HEADERS, body=writer.finished())


def apology(style: Style) -> HttpReply:
    """A sentence and the end of the call."""
    root = Element("Response")
    SubElement(root, "Speak", voice=style.voice, language=style.language).text = SORRY
    SubElement(root, "Hangup")
    return HttpReply(headers=XML_HEADERS, body=_xml(root))


class _Writer:
    """A document in the making."""

    def __init__(self, style: Style, urls: Callbacks) -> None:
        self._style = style
        self._urls = urls
        self._root = Element("Response")
        self._last: tuple[str, TurnToken | None] | None = (callbacks.NEXT, None)
        """What it means when the document runs out; None: the call is over then."""

    def write(self, instruction: Instruction) -> None:
        match instruction:
            case Answer() | StopSpeaking():
                return  # whatever replaces the running document does both
            case Reject(reason=reason):
                self._end("Hangup", reason=reason.value)
            case HangUp():
                self._end("Hangup")
            case Say(turn=turn):
                self._speak(self._root, instruction)
                self._last = (callbacks.SPOKEN, turn)
            case Play(url=url):
                SubElement(self._root, "Play").text = url
            case Gather():
                self.gather(instruction, prompt=None)
            case Pause(seconds=seconds):
                SubElement(self._root, "Wait", length=str(max(1, math.ceil(seconds))))
            case SendDigits(digits=digits):
                SubElement(self._root, "DTMF", {"async": "false"}).text = digits
            case OpenStream(url=url):
                self._stream(url)
            case Transfer(to=to):
                self._transfer(to)

    def gather(self, gather: Gather, *, prompt: Say | None) -> None:
        """Listen, from the beginning of `prompt` on."""
        shortest, longest = LISTEN_SECONDS
        listening = SubElement(
            self._root,
            "GetInput",
            action=self._urls.of_turn(callbacks.HEARD, gather.turn),
            method="POST",
            inputType="dtmf speech" if gather.digits else "speech",
            executionTimeout=str(min(max(math.ceil(gather.timeout_seconds), shortest), longest)),
            digitEndTimeout="auto",
            speechEndTimeout="auto",
            language=self._style.language_for(gather.language),
        )
        if prompt is not None:
            self._speak(listening, prompt)
        self._last = (callbacks.SILENCE, gather.turn)

    def finished(self) -> bytes:
        """The document, whole."""
        if self._last is not None:
            redirect = SubElement(self._root, "Redirect", method="POST")
            redirect.text = self._urls.of_turn(*self._last)
        return _xml(self._root)

    def _end(self, tag: str, **attributes: str) -> None:
        SubElement(self._root, tag, attributes)
        self._last = None

    def _speak(self, parent: Element, say: Say) -> None:
        for piece in pieces(speakable(say.text)):
            SubElement(
                parent,
                "Speak",
                voice=self._style.voice_for(say.voice),
                language=self._style.language_for(say.language),
            ).text = piece

    def _stream(self, url: str) -> None:
        SubElement(
            self._root,
            "Stream",
            bidirectional="true",
            keepCallAlive="true",
            contentType="audio/x-mulaw;rate=8000",
            audioTrack="inbound",
            statusCallbackUrl=self._urls.url(callbacks.STREAM),
            statusCallbackMethod="POST",
        ).text = url
        self._last = (callbacks.NEXT, None)

    def _transfer(self, to: str) -> None:
        number = self._style.caller_id
        attributes = {"callerId": number.removeprefix("+")} if number else {}
        dial = SubElement(self._root, "Dial", attributes)
        SubElement(dial, "Number").text = to.removeprefix("+")
        self._last = None


def _xml(root: Element) -> bytes:
    text: bytes = tostring(root, "utf-8", xml_declaration=True)
    return text


def speakable(text: str) -> str:
    """`text` without what neither XML nor a voice has room for, and of bounded length."""
    return _UNSPEAKABLE.sub("", text)[:MAX_SPOKEN_CHARACTERS]


def pieces(text: str, longest: int = MAX_SPEAK_CHARACTERS) -> Iterator[str]:
    """`text` in pieces of at most `longest` characters, cut at blanks where there are any."""
    while len(text) > longest:
        cut = text.rfind(" ", 1, longest + 1)
        cut = longest if cut < 0 else cut
        yield text[:cut]
        text = text[cut:].lstrip(" ")
    if text.strip():
        yield text
