"""How do instructions look on the simulated network's wire? JSON documents, both directions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import Any, cast

import msgspec

from voicecall.sdk import (
    Answer,
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    Say,
    SendDigits,
    StopSpeaking,
    Transfer,
)

_VERBS: dict[str, type[Any]] = {
    "answer": Answer,
    "reject": Reject,
    "say": Say,
    "stopSpeaking": StopSpeaking,
    "play": Play,
    "gather": Gather,
    "openStream": OpenStream,
    "sendDigits": SendDigits,
    "pause": Pause,
    "hangUp": HangUp,
    "transfer": Transfer,
}
_NAMES = {kind: verb for verb, kind in _VERBS.items()}


def render(instructions: Sequence[Instruction]) -> bytes:
    """`instructions` as a document; ``render`` and `read` are each other's inverse."""
    return msgspec.json.encode({"instructions": [_write(each) for each in instructions]})


def read(document: bytes) -> tuple[Instruction, ...]:
    """The instructions of a document; an empty body has none.

    Raises:
        ValueError: it is not a document, or names an unknown verb or field.
    """
    if not document:
        return ()
    try:
        parsed = msgspec.json.decode(document, type=dict[str, list[dict[str, Any]]])
    except msgspec.MsgspecError as error:
        raise ValueError(f"not an instruction document: {error}") from error
    if set(parsed) != {"instructions"}:
        raise ValueError("a document has exactly one key, 'instructions'")
    return tuple(_read(each) for each in parsed["instructions"])


def _write(instruction: Instruction) -> dict[str, Any]:
    written: dict[str, Any] = {"verb": _NAMES[type(instruction)]}
    for field in dataclasses.fields(instruction):
        value = getattr(instruction, field.name)
        if value is not None:
            written[_camel(field.name)] = value
    return written


def _read(written: dict[str, Any]) -> Instruction:
    verb = written.get("verb")
    kind = _VERBS.get(verb) if isinstance(verb, str) else None
    if kind is None:
        raise ValueError(f"unknown verb {verb!r}; known: {', '.join(_VERBS)}")
    names = {_camel(field.name): field.name for field in dataclasses.fields(kind)}
    values = {}
    for key, value in written.items():
        if key == "verb":
            continue
        if key not in names:
            raise ValueError(f"{verb!r} has no field {key!r}")
        values[names[key]] = value
    try:
        return cast(Instruction, msgspec.convert(values, type=kind))
    except msgspec.MsgspecError as error:
        raise ValueError(f"{verb!r} cannot be read: {error}") from error


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
