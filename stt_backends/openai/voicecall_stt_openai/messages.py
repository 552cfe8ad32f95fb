"""What do we and a transcription session write to each other?

https://developers.openai.com/api/reference/resources/realtime/client-events and
``/server-events``, in the form that is generally available, not the beta's.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from voicecall_stt_openai.config import OpenAiSttConfig
from voicecall_stt_openai.models import TAKES_KEYWORDS

_AUDIO = "input_audio_buffer."
_TEXT = "conversation.item.input_audio_transcription."


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """A voice is heard; what it says will be `item`."""

    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStopped:
    """The voice of `item` has stopped, and the silence is over, at `until` seconds."""

    item: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """`item` is being written down; it comes after `previous`."""

    item: str
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """More of what was said in `item`."""

    item: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """All that was said in `item`."""

    item: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`item` could not be written down."""

    item: str
    fault: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """OpenAI complains about something we sent, or about itself."""

    fault: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """The message is no event; `reason` is safe to show."""

    reason: str


ItemEvent = SpeechStarted | SpeechStopped | Committed | Delta | Completed | Failed
Message = ItemEvent | Fault | Unreadable | None


def session(config: OpenAiSttConfig, *, silence_ms: int) -> str:
    """The first message: telephone audio in, turns ended by OpenAI after `silence_ms`."""
    wishes: dict[str, Any] = {
        "model": config.model,
        "language": config.language,
        "prompt": config.prompt,
        "keywords": list(config.keywords) if config.model in TAKES_KEYWORDS else None,
    }
    audio: dict[str, Any] = {
        "format": {"type": "audio/pcmu"},
        "transcription": {name: value for name, value in wishes.items() if value},
        "turn_detection": {
            "type": "server_vad",
            "threshold": config.vad_threshold,
            "prefix_padding_ms": config.prefix_padding_ms,
            "silence_duration_ms": silence_ms,
        },
    }
    if config.noise_reduction is not None:
        audio["noise_reduction"] = {"type": config.noise_reduction}
    settings = {"type": "transcription", "audio": {"input": audio}}
    return json.dumps({"type": "session.update", "session": settings})


def append(frame: bytes) -> str:
    """The message that carries audio."""
    encoded = base64.b64encode(frame).decode("ascii")
    return f'{{"type":"input_audio_buffer.append","audio":"{encoded}"}}'


def parse(message: str | bytes) -> Message:
    """What `message` says; None when it is of no use to us. Never raises."""
    try:
        fields = json.loads(message)
        return _of(fields["type"], fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Unreadable(reason=type(error).__name__)


def _of(kind: str, fields: dict[str, Any]) -> Message:
    if kind == "error":
        return Fault(fault=fields["error"])
    if not kind.startswith((_AUDIO, _TEXT)) or "item_id" not in fields:
        return None
    item = str(fields["item_id"])
    match kind.removeprefix(_AUDIO).removeprefix(_TEXT):
        case "speech_started":
            return SpeechStarted(item=item)
        case "speech_stopped":
            return SpeechStopped(item=item, until=float(fields["audio_end_ms"]) / 1000)
        case "committed":
            previous = fields.get("previous_item_id")
            return Committed(item=item, previous=None if previous is None else str(previous))
        case "delta":
            return Delta(item=item, text=str(fields["delta"]))
        case "completed":
            return Completed(item=item, text=str(fields["transcript"]))
        case "failed":
            return Failed(item=item, fault=fields.get("error"))
    return None
