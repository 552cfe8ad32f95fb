"""When is a failed delivery tried again? Soon, then ever more rarely, for about three days."""

from __future__ import annotations

import random

from voicecall.sdk import HttpResponse

_MINUTE, _HOUR = 60.0, 3600.0

PAUSES = (
    5.0,
    5 * _MINUTE,
    30 * _MINUTE,
    2 * _HOUR,
    5 * _HOUR,
    10 * _HOUR,
    14 * _HOUR,
    20 * _HOUR,
    24 * _HOUR,
)
"""Seconds after the first, second, … failed attempt."""

_JITTER = 0.1
_BUSY = frozenset({429, 502, 503, 504})


def given_up(attempts: int) -> bool:
    """Whether a delivery that failed `attempts` times is not tried again."""
    return attempts > len(PAUSES)


def next_attempt(attempts: int, now: float, answer: HttpResponse | None) -> float:
    """The wall time of the attempt after `attempts` failed ones; later if the receiver asks."""
    pause = PAUSES[attempts - 1] * random.uniform(1, 1 + _JITTER)
    return now + max(pause, _asked_for(answer))


def _asked_for(answer: HttpResponse | None) -> float:
    if answer is None or answer.status not in _BUSY:
        return 0.0
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), 24 * _HOUR) if asked.isascii() and asked.isdigit() else 0.0
