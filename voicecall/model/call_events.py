"""What happened to a call, as we tell it: numbered, stored, streamed. The record is their fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from voicecall.model.call import CallMode, CallState, Direction, Speaker, TurnTiming
from voicecall.model.ids import CallId, CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    """One thing that happened to a call.

    `number` counts the call's events from 1 without gaps; `at` is seconds since the epoch.
    """

    call_id: CallId
    number: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCreated(CallEvent):
    """The call exists for us. For an outbound call this is the intent, before any dialling."""

    provider: str
    direction: Direction
    mode: CallMode
    from_number: str | None
    to_number: str | None
    message: str | None = None
    session_key: str | None = None
    dtmf_sequence: str | None = None
    idempotency_key: str | None = None
    secret: str = ""
    dial_settled: bool = True
    attestation: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierIdLearned(CallEvent):
    """The carrier knows the call, under this id."""

    carrier_call_id: CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChanged(CallEvent):
    """The call is in another live state."""

    state: CallState
    answered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGreeted(CallEvent):
    """The greeting, or the message of a notify call, was heard; it is not spoken again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSaid(CallEvent):
    """Somebody said a line. `heard` is set when our line was cut: the part that was played."""

    speaker: Speaker
    text: str
    heard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTimed(CallEvent):
    """A turn is complete as far as timing goes; one a turn."""

    timing: TurnTiming


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsReceived(CallEvent):
    """The caller pressed keys."""

    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineHeard(CallEvent):
    """Answering-machine detection has a result (the carrier's word)."""

    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingKept(CallEvent):
    """A recording of the call lies at `location`."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTransferred(CallEvent):
    """The caller is being connected to `to`; None: that failed, and the call is ours again."""

    to: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeNoted(CallEvent):
    """The responder says what came of the call."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFinished(CallEvent):
    """The call is over, for good. `refused` is the machine-readable reason of a refusal."""

    state: CallState
    detail: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialHeard(CallEvent):
    """What the caller seems to be saying. Published, never stored; `number` is 0."""

    text: str


STORED_EVENTS: tuple[type[CallEvent], ...] = (
    CallCreated,
    CarrierIdLearned,
    StateChanged,
    CallGreeted,
    LineSaid,
    TurnTimed,
    DigitsReceived,
    MachineHeard,
    RecordingKept,
    CallTransferred,
    OutcomeNoted,
    CallFinished,
)
"""Every kind that is stored; a store keeps them under their class names."""
