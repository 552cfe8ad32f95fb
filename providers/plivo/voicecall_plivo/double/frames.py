"""How does Plivo read the frames of a stream, and write its own?

https://www.plivo.com/docs/voice-agents/audio-streaming/concepts/audio-streaming-guide
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from voicecall.sdk import ClearAudio, MediaCommand, PlaceMark, PlayAudio

MAX_FRAME = 64 * 1024
MAX_PAYLOAD = 16 * 1024
AUDIO = {"contentType": "audio/x-mulaw", "sampleRate": 8000}


def read_command(frame: str | bytes, *, stream_id: str) -> MediaCommand:
    """What a frame of ours has Plivo do.

    Raises:
        ValueError: Plivo would not accept it.
    """
    if isinstance(frame, bytes) or len(frame) > MAX_FRAME:
        raise ValueError(f"Plivo takes text frames of at most {MAX_FRAME} characters")
    message = json.loads(frame)
    event = message.pop("event", None)
    if event == "playAudio":
        message.pop("streamId", None)
        return PlayAudio(data=_audio(message))
    if message.pop("streamId", None) != stream_id:
        raise ValueError(f"{event!r} needs the stream's own streamId")
    if event == "checkpoint" and set(message) == {"name"}:
        return PlaceMark(name=str(message["name"]))
    if event == "clearAudio" and not message:
        return ClearAudio()
    raise ValueError(f"{event!r} with the fields {sorted(message)}")


def start_frame(
    stream_id: str, *, call_id: str, account_id: str, extra_headers: object = ""
) -> str:
    """The first frame of a stream."""
    start = {
        "callId": call_id,
        "streamId": stream_id,
        "accountId": account_id,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000},
    }
    return json.dumps(
        {"sequenceNumber": 1, "event": "start", "start": start, "extra_headers": extra_headers}
    )


def media_frame(
    stream_id: str,
    data: bytes,
    *,
    chunk: int,
    number: int,
    at_ms: int,
    extra_headers: str = "",
) -> str:
    """A frame with what the caller says, the stream's frame `number` and its audio `chunk`."""
    media = {
        "track": "inbound",
        "timestamp": str(at_ms),
        "chunk": chunk,
        "payload": base64.b64encode(data).decode(),
    }
    fields = {"media": media, "extra_headers": extra_headers}
    return event_frame("media", stream_id, fields, number=number)


def event_frame(
    event: str, stream_id: str, fields: Mapping[str, Any] | None = None, *, number: int
) -> str:
    """A frame about anything else."""
    return json.dumps(
        {"event": event, "streamId": stream_id, **(fields or {}), "sequenceNumber": number}
    )


def _audio(message: dict[str, Any]) -> bytes:
    media = message.get("media")
    if set(message) != {"media"} or not isinstance(media, dict):
        raise ValueError(f"playAudio with the fields {sorted(message)}")
    payload = media.pop("payload", None)
    if media != AUDIO or isinstance(media["sampleRate"], str):
        raise ValueError(f"playAudio of {media!r}")
    if not isinstance(payload, str) or len(payload) > MAX_PAYLOAD:
        raise ValueError(f"a payload of more than {MAX_PAYLOAD} characters of base64")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise ValueError("a payload that is no base64") from error
