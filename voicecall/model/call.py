"""What a call is: its states, its record, its transcript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from voicecall.model.ids import CallId, CarrierCallId


class Direction(StrEnum):
    """Who dialled."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


class CallMode(StrEnum):
    """What an outbound call is for: say one thing and hang up, or talk."""

    NOTIFY = "notify"
    CONVERSATION = "conversation"


class CallState(StrEnum):
    """Where a call is. The terminal states are the reasons for which calls end."""

    INITIATED = "initiated"
    RINGING = "ringing"
    ANSWERED = "answered"
    ACTIVE = "active"
    SPEAKING = "speaking"
    LISTENING = "listening"

    COMPLETED = "completed"
    HANGUP_USER = "hangup-user"
    HANGUP_BOT = "hangup-bot"
    TIMEOUT = "timeout"
    ERROR = "error"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    VOICEMAIL = "voicemail"
    REJECTED = "rejected"

    @property
    def is_terminal(self) -> bool:
        """Whether the call is over for good."""
        return self not in LIVE_STATES

    @property
    def is_answered(self) -> bool:
        """Whether the call is live and somebody has picked up."""
        return self in ANSWERED_STATES


ANSWERED_STATES = frozenset(
    {CallState.ANSWERED, CallState.ACTIVE, CallState.SPEAKING, CallState.LISTENING}
)
LIVE_STATES = ANSWERED_STATES | {CallState.INITIATED, CallState.RINGING}
TERMINAL_STATES = frozenset(CallState) - LIVE_STATES
SUCCESSFUL_ENDS = frozenset(
    {CallState.COMPLETED, CallState.HANGUP_USER, CallState.HANGUP_BOT, CallState.VOICEMAIL}
)


class Speaker(StrEnum):
    """Who said a line."""

    BOT = "bot"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """One line that was said and heard.

    `heard` is set on a bot line that was cut short: the part that was played. Times are
    seconds since the epoch.
    """

    timestamp: float
    speaker: Speaker
    text: str
    is_final: bool = True
    heard: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTiming:
    """When the steps of one turn happened, in seconds since the epoch; None: it did not.

    A turn runs from the end of the caller's speech to our first audio in the caller's ear.
    """

    number: int
    speech_ended_at: float | None = None
    transcript_at: float | None = None
    reply_started_at: float | None = None
    first_audio_at: float | None = None
    first_frame_at: float | None = None
    first_heard_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """Everything known about one call: a fold over its events. Times: seconds since the epoch."""

    call_id: CallId
    provider: str
    direction: Direction
    state: CallState
    mode: CallMode
    from_number: str | None
    to_number: str | None
    started_at: float
    message: str | None = None
    session_key: str | None = None
    dtmf_sequence: str | None = None
    idempotency_key: str | None = None
    secret: str = ""
    carrier_ids: tuple[CarrierCallId, ...] = ()
    dial_settled: bool = True
    ringing_at: float | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    end_reason: CallState | None = None
    end_detail: str | None = None
    refused: str | None = None
    greeted: bool = False
    transcript: tuple[TranscriptLine, ...] = ()
    turns: tuple[TurnTiming, ...] = ()
    digits: str = ""
    answered_by: str | None = None
    attestation: str | None = None
    recording: str | None = None
    transferred_to: str | None = None
    note: str | None = None
    event_count: int = 0
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether the call may still change."""
        return not self.state.is_terminal

    @property
    def carrier_call_id(self) -> CarrierCallId | None:
        """The id under which the carrier knows the call now; None before it gave one."""
        return self.carrier_ids[-1] if self.carrier_ids else None
