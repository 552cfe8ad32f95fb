"""What the kernel tells a carrier to do with a call; providers translate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voicecall.model.ids import StreamToken, TurnToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Pick up an inbound call. Document carriers answer by giving any other instruction."""


class RejectReason(StrEnum):
    """How a refused caller is told."""

    REJECTED = "rejected"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """Refuse an inbound call that was not answered."""

    reason: RejectReason = RejectReason.REJECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Speak `text` with the carrier's own voice. `turn` comes back with `SpeechEnded`.

    What is `protected` is said to its end, whoever speaks or presses keys meanwhile: a document
    carrier begins to listen only behind it.
    """

    text: str
    voice: str | None = None
    language: str | None = None
    turn: TurnToken | None = None
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSpeaking:
    """Cut what `Say` and `Play` are playing; whoever listens goes on listening.

    Only command carriers get it. A document carrier's listening stops its own prompt.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play the audio file at `url`."""

    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Listen for speech and digits; the answer carries `turn`.

    Directly after `Say` both are one delivery: the carrier listens to the end of the prompt
    (or through it, unless that is protected). `timeout_seconds` without any input ends in
    `NothingHeard`. On a document carrier any input ends the turn; a command carrier reports keys
    one by one and listens on, and may go on listening without end.
    """

    turn: TurnToken
    timeout_seconds: float
    language: str | None = None
    digits: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStream:
    """Open a two-way media stream to `url`, whose path ends in the one-time `token`."""

    url: str
    token: StreamToken


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDigits:
    """Send DTMF: ``0-9 A-D * #``, ``w`` waits half a second, ``W`` one second."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Connect the caller to `to` (E.164) and leave the call."""

    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Keep the line open and silent; the keep-alive of a document carrier."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End the call after everything before it in the same delivery."""


Instruction = (
    Answer
    | Reject
    | Say
    | StopSpeaking
    | Play
    | Gather
    | OpenStream
    | SendDigits
    | Transfer
    | Pause
    | HangUp
)
