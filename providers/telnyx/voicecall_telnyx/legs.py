"""What is a leg doing, as far as our own commands and its events tell? Memory of live calls.

Telnyx's events do not name the command that they are about, so what was said in several pieces,
and keys that are told twice, are put together here. A gateway that was restarted knows nothing
of this, and does without.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import anyio

from voicecall.sdk import (
    CallEnded,
    CarrierCallId,
    CarrierEvent,
    DigitsPressed,
    SpeechEnded,
    TurnToken,
)

KEPT_LEGS = 10_000
SAME_KEY_SECONDS = 10.0
"""A key that is told twice, by webhook and in the stream, is told within so many seconds."""
_KEPT_KEYS = 32


@dataclass(slots=True)
class Saying:
    """A text that was given to the carrier's voice in `pieces` commands."""

    turn: TurnToken | None
    pieces: int
    ended: set[str] = field(default_factory=set)
    over: anyio.Event = field(default_factory=anyio.Event)


@dataclass(slots=True)
class Keys:
    """Keys of one leg, which Telnyx tells both by webhook and in the media stream."""

    by_webhook: deque[tuple[str, float | None]] = field(
        default_factory=lambda: deque(maxlen=_KEPT_KEYS)
    )
    in_band: deque[tuple[str, float | None]] = field(
        default_factory=lambda: deque(maxlen=_KEPT_KEYS)
    )
    reports: dict[str, bool] = field(default_factory=dict)

    def webhook_is_news(self, report: str, key: str, at: float | None) -> bool:
        """Whether a webhook tells a key that the stream did not tell; repeats say the same."""
        if report not in self.reports:
            self.reports[report] = _first(key, at, self.by_webhook, self.in_band)
        return self.reports[report]

    def stream_is_news(self, key: str, at: float | None) -> bool:
        """Whether the stream tells a key that no webhook told."""
        return _first(key, at, self.in_band, self.by_webhook)


def _first(
    key: str,
    at: float | None,
    here: deque[tuple[str, float | None]],
    there: deque[tuple[str, float | None]],
) -> bool:
    for place, (other, then) in enumerate(there):
        near = at is None or then is None or abs(at - then) <= SAME_KEY_SECONDS
        if other == key and near:
            del there[place]
            return False
    here.append((key, at))
    return True


@dataclass(slots=True)
class Leg:
    """One leg: what it says, for whom it listens, and whether Telnyx transcribes it."""

    say: TurnToken | None = None
    listen: TurnToken | None = None
    transcribing: bool = False
    saying: Saying | None = None
    keys: Keys = field(default_factory=Keys)

    def begin(self, turn: TurnToken | None, pieces: int) -> Saying:
        """A text goes to the carrier's voice."""
        self.say, self.listen = turn, None
        self.saying = Saying(turn=turn, pieces=pieces)
        return self.saying

    def said(self, event: SpeechEnded) -> bool:
        """Note the end of a piece; whether the whole text is over with it."""
        saying = self.saying
        if saying is None or event.turn != saying.turn:
            return True
        saying.ended.add(event.key)
        if event.complete and len(saying.ended) < saying.pieces:
            return False
        saying.over.set()
        return True


class Legs:
    """The legs of live calls, the newest `KEPT_LEGS`."""

    def __init__(self) -> None:
        self._legs: dict[CarrierCallId, Leg] = {}

    def of(self, call: CarrierCallId) -> Leg:
        """The leg of `call`, a new one when nothing is known of it."""
        leg = self._legs.get(call)
        if leg is None:
            leg = self._legs[call] = Leg()
            if len(self._legs) > KEPT_LEGS:
                del self._legs[next(iter(self._legs))]
        return leg

    def forget(self, call: CarrierCallId | None) -> None:
        """The call is over; whoever waits for its speech goes on."""
        leg = None if call is None else self._legs.pop(call, None)
        if leg is not None and leg.saying is not None:
            leg.saying.over.set()

    def heed(self, event: CarrierEvent) -> bool:
        """Note what `event` says about its leg; whether it is news to the kernel."""
        match event:
            case CallEnded(carrier_call_id=call):
                self.forget(call)
            case SpeechEnded(carrier_call_id=call) if call in self._legs:
                return self._legs[call].said(event)
            case DigitsPressed(carrier_call_id=call, digits=key):
                return self.of(call).keys.webhook_is_news(event.key, key, event.occurred_at)
        return True
