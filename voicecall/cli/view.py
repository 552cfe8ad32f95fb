"""What does a person see of a call while it runs? A line for what happens, when it happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from voicecall.cli.output import Output, clean

Event = dict[str, Any]

_QUIET_STATES = frozenset({"initiated", "active", "speaking", "listening"})


class CallView:
    """Shows the events of one call on `output`."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._began: int | None = None
        self._shows: dict[str, Callable[[Event], None]] = {
            "created": self._created,
            "state": self._state,
            "line": self._line,
            "partial": self._partial,
            "turn": self._turn,
            "digits": lambda event: self._note(event, f"pressed {clean(event['digits'])}"),
            "note": lambda event: self._note(event, f"noted: {clean(event['note'])}"),
            "machine": lambda event: self._note(event, f"machine: {clean(event['result'])}"),
        }

    def show(self, event: Event) -> None:
        """Show `event`, if it is of a kind that people look for."""
        if self._began is None:
            self._began = int(event["at"])
        show = self._shows.get(str(event["type"]))
        if show is not None:
            show(event)

    def _created(self, event: Event) -> None:
        who = event.get("to") if event["direction"] == "outbound" else event.get("from")
        verb = "calling" if event["direction"] == "outbound" else "called by"
        target = clean(who or "unknown")
        self._note(event, f"{verb} {target} ({event['mode']}, {event['provider']})")

    def _state(self, event: Event) -> None:
        state = str(event["state"])
        if state in _QUIET_STATES:
            self._output.live(f"{self._time(event)}  ", state)
        else:
            self._note(event, state)

    def _line(self, event: Event) -> None:
        speaker = str(event["speaker"])
        name = self._output.paint(f"{speaker:<5}", "bold", "cyan" if speaker == "bot" else "green")
        text = clean(event["text"])
        if "heard" in event:
            text += f"  [cut off; heard: {clean(event['heard']) or 'nothing'}]"
        head = f"{self._time(event)}  "
        folded = self._output.folded(text, len(head) + 6)
        self._output.progress(f"{head}{name} {folded}")

    def _partial(self, event: Event) -> None:
        self._output.live(f"{self._time(event)}  user  ", f"{clean(event['text'])} …")

    def _turn(self, event: Event) -> None:
        turn = event["turn"]
        if "latencyMs" in turn:
            waited = (
                f", transcript after {turn['listenWaitMs']} ms" if "listenWaitMs" in turn else ""
            )
            self._note(event, f"turn {turn['number']}: answered in {turn['latencyMs']} ms{waited}")

    def _note(self, event: Event, text: str) -> None:
        self._output.progress(self._output.paint(f"{self._time(event)}  {text}", "dim"))

    def _time(self, event: Event) -> str:
        seconds = max(0, int(event["at"]) - (self._began or 0)) / 1000
        return f"{int(seconds // 60):2d}:{seconds % 60:04.1f}"


def summary_of(call: Event) -> str:
    """How `call` went, in a line."""
    end = call.get("endReason", call["state"])
    parts = [f"call {call['callId']}: {end}"]
    if "endedAt" in call:
        since = call.get("answeredAt", call["startedAt"])
        kind = "talked" if "answeredAt" in call else "rang"
        parts.append(f"{kind} {(call['endedAt'] - since) / 1000:.1f} s")
    if "endDetail" in call:
        parts.append(clean(call["endDetail"]))
    return ", ".join(parts)


def one_line(call: Event) -> str:
    """`call` in a list: when it began, who with whom, its state, the last words."""
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call["startedAt"] / 1000))
    arrow = "→" if call["direction"] == "outbound" else "←"
    other = call.get("to" if call["direction"] == "outbound" else "from") or "unknown"
    line = f"{began}  {call['callId']}  {arrow} {clean(other)}  {call['state']}"
    if call.get("transcript"):
        last = call["transcript"][-1]
        line += f"  {last['speaker']}: {clean(last['text'])}"
    return line
