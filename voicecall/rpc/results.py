"""What does a method answer? One strict model a payload, the call object of clients among them.

Keys are camelCase and times milliseconds since 1970. A field with a default may be absent, and is
when there is nothing to say; the default only stands for that, no client ever reads it. A field
that may be null is always there.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from voicecall.model.call import CallMode, CallState, Direction, Speaker

Moment = Annotated[int, Field(description="milliseconds since 1970")]
Span = Annotated[int, Field(ge=0, description="milliseconds")]
Reason = Annotated[str, Field(description="machine-readable reason of a refusal")]


class Answer(BaseModel):
    """Base of all: nothing else is in it."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Without defaults, which stand for absence, and titles, which repeat the names."""
        schema = handler(core)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            field.pop("default", None)
            field.pop("title", None)
        return schema


class Line(Answer):
    """Something that was said; `heard`: what was heard of it before it was cut off."""

    timestamp: Moment
    speaker: Speaker
    text: str
    is_final: bool
    heard: str = ""


class Turn(Answer):
    """When the steps of one exchange happened."""

    number: int
    speech_ended_at: Moment = 0
    transcript_at: Moment = 0
    reply_started_at: Moment = 0
    first_audio_at: Moment = 0
    first_frame_at: Moment = 0
    first_heard_at: Moment = 0
    latency_ms: Span = 0
    listen_wait_ms: Span = 0


class Metadata(Answer):
    """What else is known of a call; a plugin may add texts of its own."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]

    mode: CallMode
    turn_count: int
    last_turn_latency_ms: Span = 0
    last_turn_listen_wait_ms: Span = 0


class Call(Answer):
    """A call, live or ended."""

    call_id: str
    provider_call_id: str = ""
    provider: str
    direction: Direction
    state: CallState
    from_: Annotated[str, Field(alias="from")] = ""
    to: str = ""
    session_key: str = ""
    started_at: Moment
    answered_at: Moment = 0
    ended_at: Moment = 0
    end_reason: CallState = CallState.COMPLETED
    end_detail: str = ""
    refused: Reason = ""
    answered_by: str = ""
    attestation: Annotated[str, Field(description="STIR/SHAKEN level of the caller's number")] = ""
    digits: str = ""
    transcript: list[Line]
    turns: list[Turn]
    recording: str = ""
    transferred_to: str = ""
    note: Annotated[str, Field(description="what came of the call, says the responder")] = ""
    metadata: Metadata


class Summary(Answer):
    """How an ended call went."""

    outcome: CallState
    successful: bool
    answered: bool
    duration_seconds: Annotated[float, Field(ge=0)]
    ended_by: Literal["user", "bot", "gateway", "carrier"] = "user"
    turns: Annotated[int, Field(ge=0)]
    transcript: str
    note: str = ""
    detail: str = ""
    refused: Reason = ""


class Started(Answer):
    """A call that is under way."""

    call_id: str
    initiated: Literal[True]


class Ended(Started):
    """A call that has ended."""

    call: Call
    summary: Summary


class Initiated(RootModel[Started | Ended]):
    """With `wait` the call once it has ended, else the one that is under way."""


class Done(Answer):
    """It was done."""

    success: Literal[True]


class Answered(Done):
    """What the other side said."""

    transcript: str


class Begun(Answer):
    """What `voicecall.continue.result` takes."""

    operation_id: str


class Pending(Answer):
    """Not yet."""

    status: Literal["pending"]


class Outcome(RootModel[Pending | Answered]):
    """What the other side said, if it has."""


class Found(Answer):
    """The call."""

    found: Literal[True]
    call: Call


class NotFound(Answer):
    """Nobody knows the call."""

    found: Literal[False]


class Calls(Answer):
    """Calls."""

    calls: list[Call]


class Looked(RootModel[Found | NotFound | Calls]):
    """With an id one call, without all live ones, oldest first."""


class Figures(Answer):
    """How one duration is spread; null where nothing was timed."""

    count: int
    min_ms: float | None
    max_ms: float | None
    avg_ms: float | None
    p50_ms: Annotated[float | None, Field(alias="p50Ms")]
    p95_ms: Annotated[float | None, Field(alias="p95Ms")]


class Waits(Answer):
    """The steps of a turn, in their order; `turnLatency` is the whole."""

    records_scanned: int
    turn_latency: Figures
    listen_wait: Figures
    reply_wait: Figures
    synthesis_wait: Figures
    frame_wait: Figures
    delivery_wait: Figures


class Rule(Answer):
    """What one rule says of a number."""

    rule: Annotated[str, Field(description="the configuration key that it comes from")]
    allowed: bool
    why: str
    reason: Reason = ""


class Ruled(Answer):
    """What would become of a call; where it is refused, `reason`, `rule` and `why` decide."""

    allowed: bool
    reason: Reason = ""
    rule: str = ""
    why: str = ""
    rules: list[Rule]


class PolicyExplained(Answer):
    """Calls to a number, and from it."""

    number: str
    outbound: Ruled
    inbound: Ruled


class OptedOut(Answer):
    """A number that is not called; `callId`: the call in which it opted out."""

    number: str
    source: Literal["config", "operator", "speech", "digit"]
    added_at: Moment = 0
    call_id: str = ""


class DoNotCall(Answer):
    """The numbers that are not called."""

    numbers: list[OptedOut]


class ListChanged(Done):
    """It was done; the number as it is listed."""

    number: str


class PendingCode(Answer):
    """A stranger who was told a code; `calls`: how often."""

    code: str
    number: str
    asked_at: Moment
    expires_at: Moment
    calls: int


class Paired(Answer):
    """A number that joined the allowlist."""

    number: str
    paired_at: Moment


class Pairings(Answer):
    """Strangers who wait, and numbers that may call."""

    pending: list[PendingCode]
    paired: list[Paired]


class Reloaded(Answer):
    """The keys at the top of the section that have changed."""

    reloaded: Literal[True]
    changed: list[str]


class Health(Answer):
    """The gateway works; `ready`: it takes new calls."""

    ok: Literal[True]
    ready: bool
    version: str
    live_calls: int
