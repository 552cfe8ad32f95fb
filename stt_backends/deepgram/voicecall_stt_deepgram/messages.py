"""What does a message of Deepgram's say? JSON in, values out.

Shapes: https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

KEEP_ALIVE = '{"type":"KeepAlive"}'
FINALIZE = '{"type":"Finalize"}'
CLOSE_STREAM = '{"type":"CloseStream"}'


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Deepgram hears a voice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Words, or none.

    Args:
        text: what was said in this stretch of audio; may be empty.
        confidence: 0..1.
        until: the end of the stretch, in seconds of this connection's audio.
        words_end: the end of the last word, None when there is none.
        is_final: whether this stretch is settled.
        ends_turn: whether the caller has stopped, or we asked to be told now.
    """

    text: str
    confidence: float
    until: float
    words_end: float | None
    is_final: bool
    ends_turn: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceEnd:
    """No word for a while; `words_end` is the end of the last one."""

    words_end: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Deepgram says that something is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The message is none of Deepgram's; `reason` is safe to show."""

    reason: str


Message = SpeechStarted | Result | UtteranceEnd | Complaint | Unreadable | None


def parse(message: str | bytes) -> Message:
    """What `message` says; None when it is of no use to us. Never raises."""
    try:
        fields = json.loads(message)
        match fields["type"]:
            case "Results":
                return _result(fields)
            case "SpeechStarted":
                return SpeechStarted()
            case "UtteranceEnd":
                end = float(fields.get("last_word_end", -1))
                return UtteranceEnd(words_end=end if end >= 0 else None)
            case "Error":
                return Complaint()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        return Unreadable(reason=type(error).__name__)
    return None


def _result(fields: dict[str, Any]) -> Result:
    best = fields["channel"]["alternatives"][0]
    words = best.get("words") or []
    finalised = bool(fields.get("from_finalize"))
    return Result(
        text=str(best["transcript"]).strip(),
        confidence=min(1.0, max(0.0, float(best.get("confidence", 0)))),
        until=float(fields["start"]) + float(fields["duration"]),
        words_end=float(words[-1]["end"]) if words else None,
        is_final=bool(fields.get("is_final")),
        ends_turn=bool(fields.get("speech_final")) or finalised,
    )
