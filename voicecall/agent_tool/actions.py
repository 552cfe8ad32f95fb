"""What can an agent ask of the phone? One model an action, each in front of one RPC method."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field, TypeAdapter

from voicecall.errors import InvalidRequest
from voicecall.rpc.params import (
    CallIdText,
    Keys,
    Mode,
    Opening,
    OpeningKeys,
    OptionalCallId,
    OptionalNumber,
    Params,
    Spoken,
    read_params,
)


class Action(Params):
    """Base of all actions. `method` is the RPC method that carries it out."""

    method: ClassVar[str]
    action: str

    def params(self) -> dict[str, object]:
        """The parameters of `method`."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"action"})


class InitiateCall(Action):
    """Dial a number, and say a message when somebody answers."""

    method = "voicecall.initiate"
    required = "message required"

    action: Literal["initiate_call"]
    message: Opening
    to: OptionalNumber = None
    mode: Mode = None
    dtmf_sequence: OpeningKeys = None


class ContinueCall(Action):
    """Say something on a call and wait for what the other side answers."""

    method = "voicecall.continue"
    required = "callId and message required"

    action: Literal["continue_call"]
    call_id: CallIdText
    message: Spoken = Field(description="what to say; the answer comes back")


class SpeakToUser(Action):
    """Say something on a call without waiting for an answer."""

    method = "voicecall.speak"
    required = "callId and message required"

    action: Literal["speak_to_user"]
    call_id: CallIdText
    message: Spoken = Field(description="what to say")


class SendDtmf(Action):
    """Press keys on a call, for example in a voice menu."""

    method = "voicecall.dtmf"
    required = "callId and digits required"

    action: Literal["send_dtmf"]
    call_id: CallIdText
    digits: Keys


class EndCall(Action):
    """Hang up."""

    method = "voicecall.end"
    required = "callId required"

    action: Literal["end_call"]
    call_id: CallIdText


class GetStatus(Action):
    """Look at a call, live or ended, with its transcript; without an id at all live calls."""

    method = "voicecall.status"

    action: Literal["get_status"]
    call_id: OptionalCallId = None


ACTIONS: dict[str, type[Action]] = {
    get_args(model.model_fields["action"].annotation)[0]: model
    for model in (InitiateCall, ContinueCall, SpeakToUser, SendDtmf, EndCall, GetStatus)
}
"""Name → model, in the order in which they are told."""

VoiceCall = Annotated[
    InitiateCall | ContinueCall | SpeakToUser | SendDtmf | EndCall | GetStatus,
    Field(discriminator="action"),
]
"""Everything that the tool takes, told apart by `action`."""

VOICE_CALL: TypeAdapter[Action] = TypeAdapter(VoiceCall)

_FIELDS = frozenset(
    field.alias or name for model in ACTIONS.values() for name, field in model.model_fields.items()
)


def read_action(raw: object) -> Action:
    """`raw`, a decoded JSON object, as an action.

    A field of another action counts as absent when it is null: models that must fill every
    field of a flat schema say so what they leave out.

    Raises:
        InvalidRequest: no such action, or fields that do not fit; nothing of it was carried out.
    """
    if not isinstance(raw, dict):
        raise InvalidRequest("arguments must be a JSON object")
    name = raw.get("action")
    model = ACTIONS.get(name) if isinstance(name, str) else None
    if model is None:
        shown = f"unknown action {name[:40]!r}" if isinstance(name, str) else "action required"
        raise InvalidRequest(f"{shown}; use one of {', '.join(ACTIONS)}")
    given = {key: value for key, value in raw.items() if value is not None or key not in _FIELDS}
    return read_params(model, given)
