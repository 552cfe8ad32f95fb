"""What is known of a call before it rings, and when it is over?"""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk import Direction, EndCause, EndedBy


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """What is known of a call before it rings; durations in call seconds."""

    id: str
    direction: Direction
    from_number: str | None
    to_number: str
    ring_timeout: float
    max_duration: float
    order_id: str | None = None
    dtmf_sequence: str | None = None
    detect_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnd:
    """How a call ended; nobody is told of a `lost` one."""

    cause: EndCause
    ended_by: EndedBy
    detail: str | None = None
    lost: bool = False
