"""Which spans does a call have? Read from the call itself, as it is stored when it is over.

The trace id is the call's id without its dashes, so that a trace is found from a log line, and
the same call has the same trace whatever was restarted in between. No span holds a phone number
or a word of what was said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voicecall.sdk import WebhookHandled


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span to be made. Times are milliseconds since the epoch."""

    name: str
    start: int
    end: int
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    failed: bool = False
    children: Sequence[Span] = ()


_FAILURES = frozenset({"error", "failed", "timeout"})

_STEPS = (
    ("hearing", "speechEndedAt", "transcriptAt"),
    ("reply", "transcriptAt", "replyStartedAt"),
    ("speech", "replyStartedAt", "firstHeardAt"),
)
"""What a turn is made of: name, where it begins, where it ends."""


def call_span(call: Mapping[str, Any], webhooks: Sequence[WebhookHandled] = ()) -> Span:
    """The root span of the ended `call` (the call object of every door) with all below it."""
    start, end = int(call["startedAt"]), int(call.get("endedAt") or call["startedAt"])
    metadata = call.get("metadata", {})
    return Span(
        name=f"call {call['direction']}",
        start=start,
        end=max(start, end),
        attributes={
            "voicecall.call_id": str(call["callId"]),
            "voicecall.provider": str(call["provider"]),
            "voicecall.direction": str(call["direction"]),
            "voicecall.mode": str(metadata.get("mode", "")),
            "voicecall.outcome": str(call["state"]),
            "voicecall.turns": len(call.get("turns", ())),
        },
        failed=call["state"] in _FAILURES,
        children=[
            *_dial(call, end),
            *map(_webhook, webhooks),
            *(found for turn in call.get("turns", ()) for found in _turn(turn)),
        ],
    )


def _webhook(webhook: WebhookHandled) -> Span:
    start = round(webhook.at * 1000)
    return Span(
        name="webhook",
        start=start,
        end=start + max(0, round(webhook.seconds * 1000)),
        attributes={"voicecall.events": " ".join(webhook.kinds)},
    )


def _dial(call: Mapping[str, Any], end: int) -> Iterator[Span]:
    answered = call.get("answeredAt")
    name = "dial" if call["direction"] == "outbound" else "offer"
    yield Span(name=name, start=int(call["startedAt"]), end=int(answered or end))


def _turn(turn: Mapping[str, Any]) -> Iterator[Span]:
    known = [int(turn[key]) for key in ("speechEndedAt", "firstHeardAt") if key in turn]
    times = [value for key, value in turn.items() if key.endswith("At")]
    if not times:
        return
    start = known[0] if known else min(times)
    yield Span(
        name="turn",
        start=start,
        end=max(start, *map(int, times)),
        attributes={"voicecall.turn": int(turn["number"])},
        children=[
            Span(name=name, start=int(turn[first]), end=int(turn[last]))
            for name, first, last in _STEPS
            if first in turn and last in turn and turn[last] >= turn[first]
        ],
    )
