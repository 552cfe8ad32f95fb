"""What the state machine is told beside carrier events: facts from our own side, and timers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voicecall.model.call import CallState, Speaker, TurnTiming
from voicecall.model.carrier_events import CarrierEvent
from voicecall.model.ids import CarrierCallId


class Timer(StrEnum):
    """Every timer of a call."""

    RING = "ring"
    """Nobody answered: `ringTimeoutMs` and a grace, because the carrier times it first."""
    REAPER = "reaper"
    """Never answered and not live: `staleCallReaperSeconds`."""
    MAX_DURATION = "max-duration"
    """`maxDurationSeconds` since the answer."""
    NOTIFY = "notify"
    """`notifyHangupDelaySec` since the message was heard."""
    STREAM = "stream"
    """An answered call has no media stream."""
    BEEP = "beep"
    """A machine answered and no beep came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DialAccepted:
    """The carrier took our order."""

    carrier_call_id: CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class DialFailed:
    """The carrier did not take our order, or nobody knows and the carrier does not either."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Policy refuses this inbound call. `reason` is machine-readable."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedUp:
    """We accepted this inbound call on a carrier that answers by our document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineOpened:
    """There is a voice on the call: its media stream, or the carrier's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineLost:
    """The media stream is gone, or will be; `later`: call seconds until it can come again."""

    later: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaking:
    """We began to be heard (`active`), or ceased."""

    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHeard:
    """The greeting, or the message of a notify call, was heard to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A line was said; `heard` when ours was cut short."""

    speaker: Speaker
    text: str
    heard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A turn's times are known."""

    timing: TurnTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """The caller pressed keys, told in-band."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOn:
    """The caller is being connected to `to`; None: that failed, and the call is ours again."""

    to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The responder says what came of the call."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A timer ran out."""

    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """We ended the call and the carrier was told, or could not be (`detail`)."""

    state: CallState
    detail: str | None = None


OwnFact = (
    DialAccepted
    | DialFailed
    | Refused
    | PickedUp
    | LineOpened
    | LineLost
    | Speaking
    | OpeningHeard
    | Said
    | Timed
    | Keyed
    | HandedOn
    | Noted
    | TimerFired
    | HungUp
)
Fact = CarrierEvent | OwnFact


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """Start `timer` anew with `seconds` call seconds."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Disarm:
    """Stop `timer` if it runs."""

    timer: Timer


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpNow:
    """Tell the carrier to end the call; afterwards it is recorded as `state`."""

    state: CallState
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeLine:
    """The call is answered: get a voice on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldOpening:
    """A machine answered: fall silent and wait for the beep."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakOpening:
    """The beep was heard: say the message."""


Effect = Arm | Disarm | HangUpNow | TakeLine | HoldOpening | SpeakOpening
