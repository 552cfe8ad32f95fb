"""What carriers tell us. Carriers repeat, reorder and lie, so nothing here is numbered by us."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voicecall.model.call import Direction
from voicecall.model.ids import CallId, CarrierCallId, TurnToken


class EndCause(StrEnum):
    """Why the carrier says that a call ended; common to all carriers."""

    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"
    FAILED = "failed"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    VOICEMAIL = "voicemail"


class EndedBy(StrEnum):
    """Who ended the call, as far as the carrier tells."""

    CALLER = "caller"
    CALLEE = "callee"
    API = "api"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierEvent:
    """One thing that a carrier reported.

    Args:
        key: identifies this report; a repeat has the same key.
        carrier_call_id: the carrier's id of the call.
        call_id: ours, when the callback's URL or its state field carried it.
        call_secret: the call's own secret from the callback's URL, if any.
        occurred_at: the carrier's time, seconds since the epoch, if it told one.
        wants_instructions: the answer to this webhook decides what the carrier does next (a
            document carrier); False when only the HTTP status of the answer counts.
    """

    key: str
    carrier_call_id: CarrierCallId
    call_id: CallId | None = None
    call_secret: str | None = None
    occurred_at: float | None = None
    wants_instructions: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOffered(CarrierEvent):
    """A call exists at the carrier: somebody calls us, or a call placed elsewhere points at us.

    Numbers are E.164 where they can be; None when withheld. `placed_elsewhere` marks an
    outbound call that somebody else placed through the carrier, to which inbound policy does not
    apply. `attestation` is the STIR/SHAKEN level (``A`` ``B`` ``C``) when the carrier tells.
    """

    direction: Direction
    from_number: str | None
    to_number: str | None
    placed_elsewhere: bool = False
    attestation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRinging(CarrierEvent):
    """The other side rings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(CarrierEvent):
    """Somebody, or something, picked up. `answered_by`: the carrier's own word, if it detects."""

    answered_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(CarrierEvent):
    """The call is over at the carrier. `detail` is the carrier's own cause, for the record."""

    cause: EndCause
    ended_by: EndedBy = EndedBy.UNKNOWN
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRenamed(CarrierEvent):
    """The carrier goes on under another id; `carrier_call_id` is the new one."""

    previous_id: CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded(CarrierEvent):
    """The carrier's own voice finished (or was cut, `complete` False) what we told it to say."""

    complete: bool = True
    turn: TurnToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechHeard(CarrierEvent):
    """The carrier's own recognition heard the caller. `confidence` is 0..1 when told."""

    text: str
    is_final: bool = True
    turn: TurnToken | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitsPressed(CarrierEvent):
    """The caller pressed keys; `digits` of ``0-9 A-D * #``."""

    digits: str
    turn: TurnToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingHeard(CarrierEvent):
    """A listening turn ended without speech or digits."""

    turn: TurnToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionsWanted(CarrierEvent):
    """The carrier ran out of instructions and asks what to do next."""


class MachineResult(StrEnum):
    """What answering-machine detection found."""

    HUMAN = "human"
    MACHINE = "machine"
    BEEP = "beep"
    FAX = "fax"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDetected(CarrierEvent):
    """Answering-machine detection has a result; `BEEP`: a message may be left now."""

    result: MachineResult


class StreamChange(StrEnum):
    """What happened to a media stream, as the carrier's webhooks tell it."""

    STARTED = "started"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChanged(CarrierEvent):
    """The carrier reports on the media stream by webhook."""

    change: StreamChange
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingReady(CarrierEvent):
    """A recording made by the carrier lies at `location` (URL or path)."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent(CarrierEvent):
    """Signed and well-formed, but of a kind that we have no use for. Accepted and counted."""

    kind: str
