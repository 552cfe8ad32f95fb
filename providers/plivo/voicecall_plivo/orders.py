"""What does Plivo get with a dial? The body of "make call".

https://www.plivo.com/docs/voice/api/call#make-a-call
"""

from __future__ import annotations

import math

from voicecall.sdk import CallOrder
from voicecall_plivo import callbacks
from voicecall_plivo.callbacks import Callbacks

MAX_TIME_LIMIT = 86_400
"""Seconds; the longest call that Plivo carries."""


def make_call(order: CallOrder, *, from_number: str | None, urls: Callbacks) -> dict[str, object]:
    """The fields of `order`. Plivo writes numbers as digits, without ``+``."""
    body: dict[str, object] = {
        "from": (from_number or "").removeprefix("+"),
        "to": order.to_number.removeprefix("+"),
        "ring_timeout": max(1, math.ceil(order.ring_timeout_seconds)),
        "time_limit": min(max(1, math.ceil(order.max_duration_seconds)), MAX_TIME_LIMIT),
        **_callback("answer", urls.url(callbacks.ANSWER)),
        **_callback("ring", urls.url(callbacks.RING)),
        **_callback("hangup", urls.url(callbacks.HANGUP)),
        **_callback("fallback", urls.url(callbacks.FALLBACK)),
    }
    if order.dtmf_sequence:
        body["send_digits"] = order.dtmf_sequence
    if order.detect_machine:
        body["machine_detection"] = "true"
        body |= _callback("machine_detection", urls.url(callbacks.MACHINE))
    return body


def _callback(name: str, url: str) -> dict[str, str]:
    return {f"{name}_url": url, f"{name}_method": "POST"}
