"""What may a model do on a call, and what does a wish of it come to?"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voicecall.sdk import EndCall, NoteOutcome, PressDigits, TransferCall
from voicecall_responder_model.config import ModelConfig

LONGEST_NOTE = 500
_DIGITS = re.compile(r"[0-9A-D*#wW]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool as the model is told of it; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


Action = EndCall | PressDigits | TransferCall | NoteOutcome


class ToolRefused(Exception):
    """A wish that cannot be granted; the message is for the model."""


def tools_of(config: ModelConfig) -> tuple[Tool, ...]:
    """The tools that `config` allows; there is no transfer without somebody to transfer to."""
    made = {
        "end": _tool(
            "end_call",
            "Hang up. Say goodbye in the same answer; the call ends after it was heard.",
        ),
        "digits": _tool(
            "send_digits",
            "Press keys on the telephone, for menus and codes. They are sent after what you say.",
            digits=_text("0-9 A-D * # in their order; w waits half a second, W a whole one"),
        ),
        "transfer": _tool(
            "transfer_call",
            "Connect the caller to somebody else and leave the call. Say so in the same answer.",
            to={"type": "string", "enum": list(config.transfers)},
        ),
        "note": _tool(
            "note_outcome",
            "Note how this call went, for whoever asked for it and for later calls: what was "
            "agreed, wanted or left open.",
            outcome=_text("one or two sentences"),
        ),
    }
    if not config.transfers:
        del made["transfer"]
    return tuple(made[name] for name in dict.fromkeys(config.tools) if name in made)


def action_of(
    name: str, arguments: str, tools: Sequence[Tool], transfers: dict[str, str]
) -> Action:
    """What the model wants when it calls the tool `name` with `arguments`, JSON text.

    Raises:
        ToolRefused: it is not allowed, or not meant as the tool says.
    """
    if name not in {tool.name for tool in tools}:
        raise ToolRefused("there is no such tool on this call")
    match name:
        case "end_call":
            return EndCall()
        case "send_digits":
            digits = re.sub(r"[\s,-]", "", _argument(arguments, "digits"))
            if not _DIGITS.fullmatch(digits):
                raise ToolRefused("digits must be 1 to 64 of 0-9 A-D * # w W")
            return PressDigits(digits=digits)
        case "transfer_call":
            number = transfers.get(_argument(arguments, "to"))
            if number is None:
                raise ToolRefused("callers can be connected only to: " + ", ".join(transfers))
            return TransferCall(to=number)
        case _:
            return NoteOutcome(text=_argument(arguments, "outcome")[:LONGEST_NOTE])


def told(action: Action) -> str:
    """What the model is told that its wish came to."""
    match action:
        case EndCall():
            return "The call ends after what you say now was heard."
        case PressDigits():
            return "The keys are pressed after what you say now."
        case TransferCall():
            return "The caller is connected after what you say now was heard."
        case NoteOutcome():
            return "Noted."


def done(action: Action) -> str | None:
    """What the call's log says of it to the model's next turns; None: nothing."""
    match action:
        case PressDigits(digits=digits):
            return f"you pressed {digits}"
        case TransferCall():
            return "you began to connect the caller"
        case NoteOutcome(text=text):
            return f"you noted: {text}"
    return None


def _tool(name: str, description: str, **properties: dict[str, Any]) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, parameters=schema)


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _argument(arguments: str, key: str) -> str:
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        found = None
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value.strip():
        raise ToolRefused(f"the argument {key!r} must be text")
    return value.strip()
