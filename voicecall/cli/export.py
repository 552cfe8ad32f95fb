"""Which calls does a JSON-lines file tell of? Whole ones, or the events that make them up.

Whole calls are what `tail --json` prints; events are what `GET /events` streams and the sink
`jsonl` writes. A call whose beginning stands in an older file is left out.
"""

from __future__ import annotations

import json
from typing import Any

from voicecall.cli.exit_codes import UsageError

Call = dict[str, Any]

_ASIDE = {"type", "former", "current", "at"}
"""An event of no call: the public URL is another."""
_CALL = {"callId", "direction", "state", "startedAt"}
_EVENT = {"callId", "number", "type", "at"}
_TOLD = {"carrier-id": "providerCallId", "recording": "recording", "note": "note"}
"""Events of which one field stands in the call under its own name."""
_LAST = {"detail": "endDetail", "refused": "refused"}
"""Fields of the last event, and their names in the call."""


class Export:
    """The calls of one file, as far as it was read."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self._numbers: dict[str, int] = {}

    def take(self, line: str) -> Call | None:
        """The call that `line` changes, as it is then; None: it changes none.

        Raises:
            UsageError: it is neither a call nor an event.
        """
        told = _decoded(line)
        if "type" not in told:
            return told
        if "callId" not in told:
            return None
        call_id, number = told["callId"], told["number"]
        if number <= self._numbers.get(call_id, 0):
            return None
        if told["type"] == "created":
            self._calls[call_id] = _begun(told)
        call = self._calls.get(call_id)
        if call is not None:
            self._numbers[call_id] = number
            _evolve(call, told)
        return call


def _decoded(line: str) -> Call:
    try:
        told = json.loads(line)
    except ValueError:
        told = None
    shapes = (_EVENT, _ASIDE) if isinstance(told, dict) and "type" in told else (_CALL,)
    if not isinstance(told, dict) or not any(told.keys() >= shape for shape in shapes):
        raise UsageError(
            "a line of the file is neither a call, as 'voicecall tail --json' prints them, nor an "
            "event, as the sink jsonl writes them"
        )
    return told


def _begun(event: Call) -> Call:
    return {
        **{name: event[name] for name in ("callId", "provider", "direction")},
        "state": "initiated",
        **{name: event[name] for name in ("from", "to", "attestation") if name in event},
        "startedAt": event["at"],
        "transcript": [],
        "turns": [],
        "metadata": {"mode": event["mode"], "turnCount": 0},
    }


def _evolve(call: Call, event: Call) -> None:
    match event["type"]:
        case "state":
            call["state"] = event["state"]
            if event["state"] not in ("initiated", "ringing"):
                call.setdefault("answeredAt", event["at"])
            if "answeredBy" in event:
                call["answeredBy"] = event["answeredBy"]
        case "line":
            words: Call = {
                name: event[name] for name in ("speaker", "text", "heard") if name in event
            }
            call["transcript"].append({"timestamp": event["at"], **words, "isFinal": True})
        case "turn":
            _timed(call, event["turn"])
        case "digits":
            call["digits"] = call.get("digits", "") + event["digits"]
        case "machine":
            call["answeredBy"] = event["result"]
        case "transferred":
            call["transferredTo"] = event["to"]
        case "finished":
            call.update(state=event["state"], endReason=event["state"], endedAt=event["at"])
            for name in _LAST.keys() & event.keys():
                call[_LAST[name]] = event[name]
        case told if told in _TOLD:
            call[_TOLD[told]] = event[_TOLD[told]]


def _timed(call: Call, turn: Call) -> None:
    call["turns"] = [one for one in call["turns"] if one["number"] != turn["number"]] + [turn]
    last = {"lastTurnLatencyMs": "latencyMs", "lastTurnListenWaitMs": "listenWaitMs"}
    call["metadata"] |= {key: turn[name] for key, name in last.items() if name in turn}
    call["metadata"]["turnCount"] = len(call["turns"])
