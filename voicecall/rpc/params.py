"""What may a method be asked? One strict model a parameter set, with the texts of refusals."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from voicecall.errors import InvalidRequest
from voicecall.model.call import CallMode

MAX_SPOKEN_CHARACTERS = 10_000
"""The longest text that is said at once, about ten minutes of speech."""


def _absent_when_blank(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _mode(value: Any) -> Any:
    value = _absent_when_blank(value)
    if value is None:
        return None
    try:
        return CallMode(value.strip() if isinstance(value, str) else value)
    except ValueError:
        raise ValueError(f"must be one of {', '.join(CallMode)}") from None


def _speakable(value: str | None) -> str | None:
    """Without control characters, which no carrier's XML may hold."""
    if value is None:
        return None
    if len(value) > MAX_SPOKEN_CHARACTERS:
        raise ValueError(f"more than {MAX_SPOKEN_CHARACTERS} characters; say it in parts")
    kept = (each for each in value if each in "\n\t" or unicodedata.category(each) != "Cc")
    if not (text := "".join(kept).strip()):
        raise ValueError("nothing in it can be spoken")
    return text


Text = Annotated[str, Field(min_length=1)]
OptionalText = Annotated[str | None, BeforeValidator(_absent_when_blank)]
OptionalMode = Annotated[CallMode | None, BeforeValidator(_mode)]

CallIdText = Annotated[Text, Field(description="id of the call, ours or the carrier's")]
OptionalCallId = Annotated[OptionalText, Field(description="id of the call [all live calls]")]
Spoken = Annotated[Text, AfterValidator(_speakable)]
Opening = Annotated[Spoken, Field(description="what to say first")]
OptionalOpening = Annotated[
    OptionalText, AfterValidator(_speakable), Field(description="what to say first [nothing]")
]
Number = Annotated[Text, Field(description="number in E.164, like +15551230001")]
OptionalNumber = Annotated[
    OptionalText, Field(description="number in E.164, like +15551230001 [the configured one]")
]
Mode = Annotated[
    OptionalMode,
    Field(description="notify: say the message and hang up; conversation: talk [as configured]"),
]
OpeningKeys = Annotated[
    OptionalText,
    Field(description="keys to press once answered, in a conversation: 0-9 A-D * # w W"),
]
SessionKey = Annotated[OptionalText, Field(description="kept on the record of the call")]
IdempotencyKey = Annotated[
    OptionalText, Field(description="the same key again gives the same call instead of another")
]
Keys = Annotated[
    Text, Field(description="keys to press: 0-9 A-D * #; w waits half a second, W a second")
]


class Params(BaseModel):
    """Base of all parameter models: camelCase on the wire, texts trimmed, nothing unknown.

    `required` is what a client reads when a required text is missing, blank or no text.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        str_strip_whitespace=True,
    )
    required: ClassVar[str] = ""


P = TypeVar("P", bound=Params)


class NoParams(Params):
    """For methods that take nothing."""


class Initiate(Params):
    """`voicecall.initiate`. With `wait` the answer comes when the call has ended."""

    required = "message required"

    to: OptionalNumber = None
    message: Opening
    mode: Mode = None
    dtmf_sequence: OpeningKeys = None
    session_key: SessionKey = None
    idempotency_key: IdempotencyKey = None
    wait: bool = Field(
        default=False, description="answer when the call has ended, with its outcome"
    )


class Start(Params):
    """`voicecall.start`."""

    required = "to required"

    to: Number
    message: OptionalOpening = None
    mode: Mode = None
    dtmf_sequence: OpeningKeys = None
    session_key: SessionKey = None


class Utter(Params):
    """Say `message` on a call."""

    required = "callId and message required"

    call_id: CallIdText
    message: Spoken = Field(description="what to say")


class Result(Params):
    """Ask after an operation."""

    required = "operationId required"

    operation_id: Text = Field(description="what voicecall.continue.start gave")


class Dtmf(Params):
    """Press `digits` on a call."""

    required = "callId and digits required"

    call_id: CallIdText
    digits: Keys


class End(Params):
    """Hang up."""

    required = "callId required"

    call_id: CallIdText


class Status(Params):
    """Look at one call, or without an id at all live ones. `sid` is an older name of `callId`."""

    call_id: OptionalCallId = None
    sid: OptionalCallId = None


class History(Params):
    """The last `limit` calls."""

    limit: int = Field(default=25, ge=1, le=1000)


class Latency(Params):
    """Timings of the last `last` calls."""

    last: int = Field(default=200, ge=1, le=1000)


class Explain(Params):
    """`voicecall.policy.explain`."""

    required = "number required"

    number: Number
    attestation: Annotated[
        Literal["A", "B", "C"] | None,
        BeforeValidator(_absent_when_blank),
        Field(
            description="what the carrier would say of the number's truth, if it calls [nothing]"
        ),
    ] = None


class Listed(Params):
    """A number on a list."""

    required = "number required"

    number: Number


class Approve(Params):
    """`voicecall.pairing.approve`."""

    required = "code required"

    code: Text = Field(description="the code that a stranger was told")


def read_params(model: type[P], raw: object) -> P:
    """`raw`, a decoded JSON value, as `model`; None counts as an empty object.

    Raises:
        InvalidRequest: it does not fit; the message never repeats what was sent.
    """
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise InvalidRequest("params must be a JSON object")
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise InvalidRequest(_explain(model, error)) from None


def _explain(model: type[Params], error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False)
    for problem in problems:
        if problem["type"] == "extra_forbidden":
            known = ", ".join(field.alias or name for name, field in model.model_fields.items())
            name = str(problem["loc"][0])[:40]
            return f"unknown parameter {name!r}; known: {known or 'none'}"
    required = {field.alias for field in model.model_fields.values() if field.is_required()}
    amiss = [each for each in problems if each["type"] != "value_error"]
    if any(problem["loc"] and problem["loc"][0] in required for problem in amiss):
        return model.required
    first = problems[0]
    return f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}"
