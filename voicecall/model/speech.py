"""What is said and heard: utterances, recognition events, turns, replies."""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.model.call import CallMode, CallState, Direction, TranscriptLine
from voicecall.model.ids import CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """Text to be synthesised; `voice` and `language` None: the backend's configured ones."""

    text: str
    voice: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechBegan:
    """The caller began to speak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechPartial:
    """What the caller seems to have said so far; replaced by the next one."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechFinal:
    """What the caller said, the turn's whole text. Empty: noise, or nothing recognisable.

    `speech_ended_ago` is how many seconds before now the caller stopped speaking, as well as
    the backend knows (its end-of-speech silence). `confidence` is 0..1 when known.
    """

    text: str
    confidence: float | None = None
    speech_ended_ago: float = 0.0


SpeechEvent = SpeechBegan | SpeechPartial | SpeechFinal


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a responder knows when the caller has spoken.

    `number` counts the caller's turns of this call from 1. `history` holds what was said and
    heard before `text`, our cut lines as far as they were heard. `session_key` and `agent_id`
    together say whose memory this is. `model` and `system_prompt` are what the configuration
    says for this call (`responseModel`, `responseSystemPrompt`, or the dialled number's own).
    """

    call_id: CallId
    number: int
    text: str
    direction: Direction
    mode: CallMode
    from_number: str | None
    to_number: str | None
    history: tuple[TranscriptLine, ...]
    session_key: str
    agent_id: str = "main"
    model: str | None = None
    system_prompt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """A call that is over, as its responder knew it.

    `history` is everything that was said and heard, our cut lines as far as they were heard.
    """

    call_id: CallId
    direction: Direction
    mode: CallMode
    state: CallState
    history: tuple[TranscriptLine, ...]
    session_key: str
    agent_id: str = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyText:
    """The next piece of what to say; pieces join to text without separators."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """Hang up after the farewell was heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PressDigits:
    """Send DTMF after what was said before."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferCall:
    """Connect the caller to `to` (E.164) after what was said before."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOutcome:
    """Keep `text` with the call: what came of it, for whoever asked for it; the last one counts."""

    text: str


ReplyPart = ReplyText | EndCall | PressDigits | TransferCall | NoteOutcome
