"""What does Twilio's call resource take? The fields of its forms, with their limits.

https://www.twilio.com/docs/voice/api/call-resource
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from voicecall_twilio.network.twiml import check_callback, read_document

INLINE_CHARACTERS = 4000
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_DIGITS = re.compile(r"[0-9A-D#*wW]{1,32}")
_EVENTS = {"initiated", "ringing", "answered", "completed"}
_URLS = ("Url", "FallbackUrl", "StatusCallback", "AsyncAmdStatusCallback")
_CREATE = {
    "To",
    "From",
    "Url",
    "Method",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "StatusCallbackEvent",
    "Timeout",
    "TimeLimit",
    "SendDigits",
    "Twiml",
    "MachineDetection",
    "MachineDetectionTimeout",
    "MachineDetectionSpeechThreshold",
    "MachineDetectionSpeechEndThreshold",
    "MachineDetectionSilenceTimeout",
    "AsyncAmd",
    "AsyncAmdStatusCallback",
    "AsyncAmdStatusCallbackMethod",
}
_UPDATE = {
    "Url",
    "Method",
    "Twiml",
    "Status",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
}
_RANGES = {
    "Timeout": (1, 600),
    "TimeLimit": (1, 86_400),
    "MachineDetectionTimeout": (3, 59),
    "MachineDetectionSpeechThreshold": (1000, 6000),
    "MachineDetectionSpeechEndThreshold": (500, 5000),
    "MachineDetectionSilenceTimeout": (2000, 10_000),
}

Fields = Mapping[str, Sequence[str]]


class Refused(Exception):
    """Twilio answers with an error."""

    def __init__(self, code: int, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status

    def answer(self) -> dict[str, Any]:
        """The JSON of the error."""
        return {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def read_create(body: str) -> Fields:
    """The fields of an order to dial.

    Raises:
        Refused: one is unknown, missing, or out of its range.
    """
    fields = _fields(body, _CREATE)
    for name, code in (("To", 21211), ("From", 21212)):
        if _NUMBER.fullmatch(only(fields, name)) is None:
            raise Refused(code, f"The phone number {only(fields, name)!r} is not valid.")
    if ("Url" in fields) == ("Twiml" in fields):
        raise Refused(21205, "exactly one of Url and Twiml")
    unknown = set(fields.get("StatusCallbackEvent", ())) - _EVENTS
    if unknown:
        raise Refused(21626, f"unknown status callback events {sorted(unknown)}")
    if _DIGITS.fullmatch(only(fields, "SendDigits", "1")) is None:
        raise Refused(21218, "SendDigits is not valid")
    _check_detection(fields)
    return fields


def read_update(body: str) -> Fields:
    """The fields of a change to a live call.

    Raises:
        Refused: one is unknown or out of its range, or they contradict each other.
    """
    fields = _fields(body, _UPDATE)
    if sum(name in fields for name in ("Url", "Twiml", "Status")) != 1:
        raise Refused(21218, "exactly one of Url, Twiml and Status")
    if only(fields, "Status", "completed") not in ("completed", "canceled"):
        raise Refused(21218, "a status that cannot be set")
    return fields


def only(fields: Fields, name: str, default: str = "") -> str:
    """The value of a field that occurs once."""
    values = fields.get(name, (default,))
    return values[0]


def _fields(body: str, known: set[str]) -> Fields:
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(body, keep_blank_values=True, strict_parsing=True):
        fields.setdefault(name, []).append(value)
    unknown = set(fields) - known
    if unknown:
        raise Refused(20001, f"unknown fields {sorted(unknown)}")
    repeated = [name for name, given in fields.items() if len(given) > 1]
    if set(repeated) - {"StatusCallbackEvent"}:
        raise Refused(20001, f"repeated fields {repeated}")
    _check_values(fields)
    return fields


def _check_values(fields: Fields) -> None:
    for name, (lowest, highest) in _RANGES.items():
        value = only(fields, name, str(lowest))
        if not value.isdecimal() or not lowest <= int(value) <= highest:
            raise Refused(20001, f"{name} is {value!r}, not a whole number of its range")
    try:
        for name in _URLS:
            if name in fields:
                check_callback(only(fields, name))
        if "Twiml" in fields:
            read_document(only(fields, "Twiml"))
    except ValueError as error:
        raise Refused(21205, str(error)) from error
    if len(only(fields, "Twiml")) > INLINE_CHARACTERS:
        raise Refused(21218, f"Twiml has more than {INLINE_CHARACTERS} characters")


def _check_detection(fields: Fields) -> None:
    if only(fields, "MachineDetection", "Enable") not in ("Enable", "DetectMessageEnd"):
        raise Refused(20001, "unknown MachineDetection")
    if only(fields, "AsyncAmd", "true") not in ("true", "false"):
        raise Refused(20001, "AsyncAmd is a text, 'true' or 'false'")
    if "MachineDetection" in fields and "SendDigits" in fields:
        raise Refused(20001, "MachineDetection is ignored beside SendDigits")
