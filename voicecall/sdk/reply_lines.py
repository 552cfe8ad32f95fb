"""How does a program outside answer callers? With JSON objects: a turn in, a reply out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from voicecall.errors import ResponderError
from voicecall.model.phone import is_e164
from voicecall.model.speech import (
    EndCall,
    NoteOutcome,
    PressDigits,
    ReplyPart,
    ReplyText,
    TransferCall,
    Turn,
)

KEYS = ("say", "note", "press", "transferTo", "end", "more")
_DIGITS = re.compile(r"[0-9A-D*#wW]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyLine:
    """One object of a reply; `more`: further objects of the same reply follow."""

    parts: tuple[ReplyPart, ...]
    more: bool


def turn_object(turn: Turn) -> dict[str, object]:
    """`turn` as the JSON object that a program is handed."""
    return {
        "callId": turn.call_id,
        "number": turn.number,
        "text": turn.text,
        "direction": turn.direction.value,
        "mode": turn.mode.value,
        "from": turn.from_number,
        "to": turn.to_number,
        "sessionKey": turn.session_key,
        "agentId": turn.agent_id,
        "history": [
            {
                "speaker": line.speaker.value,
                "text": line.text if line.heard is None else line.heard,
            }
            for line in turn.history
        ],
    }


def read_reply_line(text: str | bytes) -> ReplyLine:
    """One JSON object of a program's reply.

    Its keys: ``say`` (text), ``note`` (text that is kept with the call), ``press`` (keys),
    ``transferTo`` (E.164) and ``end`` (hang up), done in this order; ``more`` (true: further
    objects of this reply follow). An object without any of the others says nothing.

    Raises:
        ResponderError: it is none; the message tells what is wrong with it, not what it says.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ResponderError('a reply must be a JSON object, such as {"say": "Hello"}') from error
    return read_reply_object(found)


def read_reply_object(found: Any) -> ReplyLine:
    """The same, for an object that was decoded already."""
    if not isinstance(found, dict):
        raise ResponderError('a reply must be a JSON object, such as {"say": "Hello"}')
    unknown = sorted(set(found) - set(KEYS))
    if unknown:
        raise ResponderError(f"a reply has no key {unknown[0]!r}; known: {', '.join(KEYS)}")
    parts: list[ReplyPart] = []
    if say := _text(found, "say"):
        parts.append(ReplyText(text=say))
    if note := _text(found, "note"):
        parts.append(NoteOutcome(text=note))
    if press := _text(found, "press"):
        if not _DIGITS.fullmatch(press):
            raise ResponderError("'press' may hold 0-9 A-D * # w W")
        parts.append(PressDigits(digits=press))
    if number := _text(found, "transferTo"):
        if not is_e164(number):
            raise ResponderError("'transferTo' must be a number in the form +15550001234")
        parts.append(TransferCall(to=number))
    if _flag(found, "end"):
        parts.append(EndCall())
    return ReplyLine(parts=tuple(parts), more=_flag(found, "more"))


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ResponderError(f"{key!r} must be text")
    return value if value.strip() else ""


def _flag(found: dict[str, Any], key: str) -> bool:
    value = found.get(key, False)
    if not isinstance(value, bool):
        raise ResponderError(f"{key!r} must be true or false")
    return value
