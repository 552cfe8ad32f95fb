"""How does Plivo read a REST request? Field by field, refusing what it does not document.

https://www.plivo.com/docs/voice/api/call, https://www.plivo.com/docs/voice/api/application.
`call_uuid` is let pass everywhere: Plivo's own SDK sends it along with the other fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_URL = r"https?://[!-~]+"
_METHOD = "GET|POST"
_NUMBER = r"[0-9]+"
_TEXT = r".+"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a resource takes: field → pattern of its text, which must be there, and limits."""

    fields: Mapping[str, str]
    required: frozenset[str] = frozenset()
    ranges: Mapping[str, tuple[int, int]] = field(default_factory=dict)


MAKE_CALL = Form(
    fields={
        "from": r"[0-9]{7,15}|sip:.+",
        "to": r"[0-9]{7,15}(<[0-9]{7,15})*|sip:.+",
        **{
            f"{name}_{suffix}": pattern
            for name in ("answer", "ring", "hangup", "fallback", "machine_detection")
            for suffix, pattern in (("url", _URL), ("method", _METHOD))
        },
        "caller_name": r".{1,50}",
        "send_digits": r"[0-9A-D*#wW]+",
        "send_on_preanswer": "true|false|True|False",
        "time_limit": _NUMBER,
        "hangup_on_ring": _NUMBER,
        "ring_timeout": _NUMBER,
        "sip_headers": _TEXT,
        "parent_call_uuid": _TEXT,
        "error_if_parent_not_found": "true|false|True|False",
        "machine_detection": "true|hangup",
        "machine_detection_time": _NUMBER,
        "machine_detection_maximum_speech_length": _NUMBER,
        "machine_detection_initial_silence": _NUMBER,
        "machine_detection_maximum_words": _NUMBER,
        "machine_detection_initial_greeting": _NUMBER,
    },
    required=frozenset({"from", "to", "answer_url"}),
    ranges={
        "machine_detection_time": (2000, 10_000),
        "machine_detection_maximum_speech_length": (1000, 6000),
        "machine_detection_initial_silence": (2000, 10_000),
        "machine_detection_maximum_words": (2, 10),
        "machine_detection_initial_greeting": (1000, 5000),
    },
)
TRANSFER = Form(
    fields={
        "legs": "aleg|bleg|both",
        "aleg_url": _URL,
        "aleg_method": _METHOD,
        "bleg_url": _URL,
        "bleg_method": _METHOD,
    },
)
DTMF = Form(
    fields={"digits": r"[0-9A-D*#wW]+", "leg": "aleg|bleg"},
    required=frozenset({"digits"}),
)
UPDATE_APPLICATION = Form(
    fields={"answer_url": _URL, "hangup_url": _URL, "fallback_answer_url": _URL},
)
EMPTY = Form(fields={})


def read_order(body: bytes, form: Form) -> dict[str, Any]:
    """The fields of a request.

    Raises:
        ValueError: Plivo would refuse it; the message is one of Plivo's kind.
    """
    order = json.loads(body) if body else {}
    if not isinstance(order, dict):
        raise ValueError("the body must be a JSON object")
    order.pop("call_uuid", None)
    for name in sorted(form.required - set(order)):
        raise ValueError(f"{name} is mandatory")
    for name, value in order.items():
        if name not in form.fields:
            raise ValueError(f"{name} is not a parameter of this resource")
        if not isinstance(value, str | int) or not re.fullmatch(form.fields[name], str(value)):
            raise ValueError(f"{name} has an invalid value")
    for name, (lowest, highest) in form.ranges.items():
        if not lowest <= int(order.get(name, lowest)) <= highest:
            raise ValueError(f"{name} must be between {lowest} and {highest}")
    return order
