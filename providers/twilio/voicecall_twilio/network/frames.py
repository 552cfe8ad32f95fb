"""How does Twilio's side of a media stream look? Its frames, and what it takes of ours.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from voicecall.sdk import ClearAudio, MediaCommand, PlaceMark, PlayAudio

_FIELDS: Mapping[str, frozenset[str]] = {
    "media": frozenset({"event", "streamSid", "media"}),
    "mark": frozenset({"event", "streamSid", "mark"}),
    "clear": frozenset({"event", "streamSid"}),
}
CONNECTED = '{"event":"connected","protocol":"Call","version":"1.0.0"}'


class FrameWriter:
    """Twilio's frames of one stream, numbered as it numbers them."""

    def __init__(self, *, stream_sid: str, account_sid: str) -> None:
        self._stream_sid = stream_sid
        self._account_sid = account_sid
        self._sequence = 0
        self._chunk = 0

    def start(self, call_sid: str, parameters: Mapping[str, str] | None = None) -> str:
        """The stream begins; `parameters` are what the document gave it."""
        start = {
            "accountSid": self._account_sid,
            "streamSid": self._stream_sid,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters or {}),
        }
        return self._frame("start", start=start)

    def media(self, data: bytes) -> str:
        """20 ms from the caller."""
        self._chunk += 1
        media = {
            "track": "inbound",
            "chunk": str(self._chunk),
            "timestamp": str(20 * (self._chunk - 1) + 5),
            "payload": base64.b64encode(data).decode(),
        }
        return self._frame("media", media=media)

    def dtmf(self, digit: str) -> str:
        """The caller pressed a key."""
        return self._frame("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def mark(self, name: str) -> str:
        """What we sent before the mark was played, or cleared."""
        return self._frame("mark", mark={"name": name})

    def stop(self, call_sid: str) -> str:
        """The stream ends."""
        return self._frame("stop", stop={"accountSid": self._account_sid, "callSid": call_sid})

    def _frame(self, event: str, **content: Any) -> str:
        self._sequence += 1
        numbered = {"event": event, "sequenceNumber": str(self._sequence), **content}
        return json.dumps({**numbered, "streamSid": self._stream_sid})


def hear(frame: str | bytes, *, stream_sid: str) -> MediaCommand:
    """What Twilio does with a frame of ours.

    Raises:
        ValueError: it would not take it; the message begins with Twilio's code.
    """
    if isinstance(frame, bytes):
        raise ValueError("31950: a binary frame")
    try:
        message = json.loads(frame)
    except ValueError as error:
        raise ValueError(f"31951: no JSON: {error}") from error
    event = str(message.get("event")) if isinstance(message, dict) else ""
    if event not in _FIELDS:
        raise ValueError(f"31951: unknown event {event!r}")
    if set(message) != _FIELDS[event] or message["streamSid"] != stream_sid:
        raise ValueError(f"31951: {event!r} with {sorted(message)}, or for another stream")
    match event:
        case "media":
            return PlayAudio(
                data=base64.b64decode(_one(message["media"], "payload"), validate=True)
            )
        case "mark":
            return PlaceMark(name=_one(message["mark"], "name"))
    return ClearAudio()


def _one(body: Any, name: str) -> str:
    if not isinstance(body, dict) or set(body) != {name} or not isinstance(body[name], str):
        raise ValueError(f"31951: wanted {name!r} and nothing more, got {body!r}")
    if not body[name]:
        raise ValueError(f"31951: {name!r} is empty")
    return str(body[name])
