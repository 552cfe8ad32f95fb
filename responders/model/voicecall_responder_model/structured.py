"""What does a model mean to say that answers with a JSON object instead of speech?"""

from __future__ import annotations

import json
import re
from typing import Any

_KEYS = (
    "spoken",
    "say",
    "speech",
    "utterance",
    "reply",
    "response",
    "answer",
    "message",
    "text",
    "content",
    "output",
)
"""Names that models give to what they say, the surest first."""
OBJECT = re.compile(r'\{\s*"')
"""How an object begins; no sentence has that."""
OBJECT_PERHAPS = re.compile(r"\{\s*\Z")
"""The end of a text that may be the beginning of an object."""
_CUT_OFF = re.compile(rf'"(?:{"|".join(_KEYS)})"\s*:\s*"((?:[^"\\]|\\.)+)')


def read_object(text: str) -> tuple[str, str] | None:
    """What the object says with which `text` begins, and what follows it.

    Returns:
        Text, which is empty when the object has none for people; None while it is not complete.
    """
    if "}" not in text:
        return None
    try:
        found, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return said_in(found), text[end:]


def read_fence(text: str) -> str:
    """What a fenced block of code says, if it is an object and nothing else; else ``""``."""
    begin = OBJECT.search(text)
    if begin is None or text[: begin.start()].strip().lower() not in ("", "json", "json5"):
        return ""
    found = read_object(text[begin.start() :])
    return "" if found is None or found[1].strip() else found[0]


def read_rest(text: str) -> str:
    """What an object says that was never completed, as far as it came."""
    begun = _CUT_OFF.search(text)
    if begun is None:
        return ""
    try:
        return str(json.loads(f'"{begun[1]}"', strict=False))
    except ValueError:
        return begun[1]


def said_in(found: Any) -> str:
    """The text for people in what was decoded, by the names that models give it."""
    if isinstance(found, str):
        return found
    if not isinstance(found, dict):
        return ""
    for key in _KEYS:
        if text := said_in(found.get(key)):
            return text
    return ""
