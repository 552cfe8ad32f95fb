"""How do instructions become TwiML? Through the SDK's builder, every URL absolute.

https://www.twilio.com/docs/voice/twiml. A document ends the call when it is read to its end, so
every one of ours ends in a `Redirect` that says what came before it: something was said, nothing
was heard, or just that there is nothing left to do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence

from twilio.twiml.voice_response import (  # type: ignore[import-untyped]
    Gather as GatherVerb,
)
from twilio.twiml.voice_response import VoiceResponse

from voicecall.sdk import (
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    Transfer,
)
from voicecall_twilio import links
from voicecall_twilio.links import Links

INLINE_CHARACTERS = 4000
"""A document inside an API request may be so long."""
KEEP_ALIVE_SECONDS = 15
Chooser = Callable[[str | None, str | None], str | None]
_SAY_CHARACTERS = 3000
"""In one `Say`: 4096 are allowed, Amazon's voices speak 3000."""
_SPOKEN_CHARACTERS = 12_000
"""In one instruction; all of it escaped stays below the 64 kB of a document."""
_UNSPEAKABLE = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile(r"(?s).*(?:[.!?…。！？]\s|\n)|.*\s")


def render(
    instructions: Sequence[Instruction],
    to: Links,
    *,
    voice: Chooser,
    language: str | None,
) -> str:
    """`instructions` as one document; with none, one that keeps the call up and asks again.

    Args:
        instructions: in order; what follows the end of a call is dropped.
        to: the URLs of this document.
        voice: Twilio's name of a voice, for a language.
        language: of speech and recognition, where an instruction names none.
    """
    document = _Document(to, voice=voice, language=language)
    for instruction in instructions:
        document.add(instruction)
        if document.over:
            break
    return document.finish()


def apology(text: str, *, voice: str | None, language: str | None) -> str:
    """What a caller hears when nothing else can be done."""
    response = VoiceResponse()
    for piece in speakable(text):
        response.say(piece, voice=voice, language=language)
    response.hangup()
    return str(response)


def hang_up() -> str:
    """A document that ends the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


class _Document:
    def __init__(self, to: Links, *, voice: Chooser, language: str | None) -> None:
        self._to = to
        self._voice = voice
        self._language = language
        self._response = VoiceResponse()
        self._prompt: Say | None = None
        self._after = to.to(links.NEXT)
        self.over = False

    def add(self, instruction: Instruction) -> None:
        """Append the verbs of one instruction; a `Say` waits for the `Gather` behind it, which
        stops it when the caller speaks; a protected one stands before that."""
        if isinstance(instruction, Gather):
            if self._prompt is not None and self._prompt.protected:
                self._speak(self._response)
            self._gather(instruction)
            return
        self._speak(self._response)
        match instruction:
            case Say(turn=turn):
                self._prompt = instruction
                self._after = self._to.to(links.SPOKEN, turn=turn)
            case Play(url=url):
                self._response.play(url)
            case Pause(seconds=seconds) if seconds > 0:
                self._response.pause(length=math.ceil(seconds))
            case SendDigits(digits=digits):
                self._response.play(digits=digits.replace("W", "ww"))
            case OpenStream(url=url):
                self._connect(url)
            case Transfer(to=number):
                self._response.dial(number, action=self._to.to(links.DIALLED))
                self.over = True
            case Reject(reason=reason):
                self._reject(reason)
            case HangUp():
                self._response.hangup()
                self.over = True

    def finish(self) -> str:
        """The text."""
        self._speak(self._response)
        if not self.over:
            if not self._response.verbs and self._after == self._to.to(links.NEXT):
                self._response.pause(length=KEEP_ALIVE_SECONDS)
            self._response.redirect(self._after)
        return str(self._response)

    def _gather(self, gather: Gather) -> None:
        verb = self._response.gather(
            input="dtmf speech" if gather.digits else "speech",
            action=self._to.to(links.GATHER, turn=gather.turn),
            method="POST",
            timeout=max(1, math.ceil(gather.timeout_seconds)),
            speech_timeout="auto",
            language=gather.language or self._language,
        )
        self._speak(verb)
        self._after = self._to.to(links.NOTHING, turn=gather.turn)

    def _speak(self, parent: VoiceResponse | GatherVerb) -> None:
        say, self._prompt = self._prompt, None
        if say is None:
            return
        language = say.language or self._language
        for piece in speakable(say.text):
            parent.say(piece, voice=self._voice(say.voice, language), language=language)

    def _connect(self, url: str) -> None:
        report = self._to.to(links.STREAM)
        self._response.connect().stream(url=url, status_callback=report)
        self._after = self._to.to(links.NEXT)

    def _reject(self, reason: RejectReason) -> None:
        if self._response.verbs:
            # An answered call cannot be refused any more.
            self._response.hangup()
        else:
            self._response.reject(reason=reason.value)
        self.over = True


def speakable(text: str) -> list[str]:
    """`text` in pieces that one `Say` can hold, without what no document can."""
    rest = _UNSPEAKABLE.sub("", text)[:_SPOKEN_CHARACTERS]
    pieces = []
    while len(rest) > _SAY_CHARACTERS:
        found = _BREAK.match(rest[:_SAY_CHARACTERS])
        end = found.end() if found else _SAY_CHARACTERS
        pieces.append(rest[:end])
        rest = rest[end:]
    return [piece for piece in (*pieces, rest) if piece.strip()]
