"""What does an order to dial look like? The call resource's fields, by the SDK's names.

https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource
"""

from __future__ import annotations

import math
import re
from typing import Any

from voicecall.sdk import CallbackUrls, CallOrder
from voicecall_twilio import links
from voicecall_twilio.config import MachineTuning
from voicecall_twilio.links import Links

RING_SECONDS = (1, 600)
CALL_SECONDS = (1, 86_400)
_EVENTS = ["initiated", "ringing", "answered", "completed"]
_SENT_BY_TWILIO = re.compile(r"[0-9A-D#*wW]{1,32}")


def create_fields(
    order: CallOrder, *, from_number: str, urls: CallbackUrls, tuning: MachineTuning
) -> dict[str, Any]:
    """The arguments of ``calls.create_async``.

    With detection, or when there are too many, digits are not Twilio's to send, because it would
    then detect nothing: the first document plays them.
    """
    to = Links(urls=urls, call_id=order.call_id, secret=order.secret)
    digits = order.dtmf_sequence or None
    by_twilio = digits is not None and not order.detect_machine
    if digits is not None and _SENT_BY_TWILIO.fullmatch(digits) is None:
        by_twilio = False
    fields: dict[str, Any] = {
        "to": order.to_number,
        "from_": from_number,
        "url": to.to(links.VOICE, digits=None if by_twilio else digits),
        "fallback_url": to.to(links.FALLBACK),
        "status_callback": to.to(links.STATUS),
        "status_callback_event": _EVENTS,
        "timeout": _within(order.ring_timeout_seconds, RING_SECONDS),
        "time_limit": _within(order.max_duration_seconds, CALL_SECONDS),
    }
    if by_twilio:
        fields["send_digits"] = digits
    if order.detect_machine:
        fields |= _detection(order, to, tuning)
    return fields


def _detection(order: CallOrder, to: Links, tuning: MachineTuning) -> dict[str, Any]:
    tuned = {
        "machine_detection_timeout": tuning.timeout_seconds,
        "machine_detection_speech_threshold": tuning.speech_threshold_ms,
        "machine_detection_speech_end_threshold": tuning.speech_end_threshold_ms,
        "machine_detection_silence_timeout": tuning.silence_timeout_ms,
    }
    return {
        "machine_detection": "DetectMessageEnd" if order.await_beep else "Enable",
        # A text, not a boolean. The call goes on meanwhile, the result comes by callback.
        "async_amd": "true",
        "async_amd_status_callback": to.to(links.AMD),
    } | {name: value for name, value in tuned.items() if value is not None}


def _within(seconds: float, limits: tuple[int, int]) -> int:
    lowest, highest = limits
    return min(highest, max(lowest, math.ceil(seconds)))
