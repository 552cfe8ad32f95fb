"""What does Telnyx write to a media socket, and what does it read from one? Strict."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from voicecall.sdk import (
    CarrierCallId,
    ClearAudio,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaEvent,
    MediaMark,
    MediaStarted,
    MediaStopped,
    PlaceMark,
    PlayAudio,
)

STREAM_ID = "32DE0DEA-53CB-4B21-89A4-9E1819C043BC"
SHORTEST_AUDIO_BYTES = 160
LONGEST_AUDIO_BYTES = 8000 * 30
FORMAT = {"encoding": "PCMU", "sample_rate": 8000, "channels": 1}
USER_ID = "5bd18fd0-1c0f-4ca7-b1cd-4a2c3ea1a6c8"
CONNECTED: Mapping[str, object] = {"event": "connected", "version": "1.0.0"}


class BadFrame(ValueError):
    """A frame that Telnyx answers with an ``error``.

    Args:
        code: Telnyx's.
        title: Telnyx's word for it.
    """

    def __init__(self, code: int, title: str, detail: str) -> None:
        super().__init__(f"{code} {title}: {detail}")
        self.payload = {"code": code, "title": title, "detail": detail}


def written(frame: Mapping[str, object]) -> str:
    """A frame as it goes over the socket."""
    return json.dumps(frame, separators=(",", ":"))


def media_part(chunk: int, data: bytes) -> Mapping[str, object]:
    """The caller's frame number `chunk`, counted from 1."""
    return {
        "track": "inbound",
        "chunk": str(chunk),
        "timestamp": str(20 * chunk),
        "payload": base64.b64encode(data).decode(),
    }


def frames(event: MediaEvent, *, sequence: int = 1, stream_id: str = STREAM_ID) -> Sequence[str]:
    """The frames by which Telnyx says `event`; none for what it does not say."""
    said = _said(event, sequence)
    if said is None:
        return ()
    frame = written({**said, "sequence_number": str(sequence), "stream_id": stream_id})
    return (written(CONNECTED), frame) if isinstance(event, MediaStarted) else (frame,)


def read_frame(frame: str | bytes) -> MediaCommand:
    """What Telnyx takes a frame of ours to mean.

    Raises:
        BadFrame: it answers with an error.
    """
    message = _message(frame)
    match message:
        case {"event": "media", "media": {"payload": str(payload)}} if _has(
            message, "media", "payload"
        ):
            return PlayAudio(data=_audio(payload))
        case {"event": "mark", "mark": {"name": str(name)}} if _has(message, "mark", "name"):
            return PlaceMark(name=name)
        case {"event": "clear"} if len(message) == 1:
            return ClearAudio()
    raise BadFrame(100003, "malformed_frame", f"{sorted(message)!r}")


def _message(frame: str | bytes) -> Mapping[str, Any]:
    if isinstance(frame, bytes):
        raise BadFrame(100003, "malformed_frame", "binary")
    try:
        message = json.loads(frame)
    except ValueError as error:
        raise BadFrame(100003, "malformed_frame", "no JSON") from error
    if not isinstance(message, dict):
        raise BadFrame(100003, "malformed_frame", "no JSON object")
    return message


def _has(message: Mapping[str, Any], part: str, field: str) -> bool:
    return set(message) == {"event", part} and set(message[part]) == {field}


def _audio(payload: str) -> bytes:
    try:
        data = base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise BadFrame(100004, "invalid_media", "no base64") from error
    if not SHORTEST_AUDIO_BYTES <= len(data) <= LONGEST_AUDIO_BYTES:
        raise BadFrame(100004, "invalid_media", f"{len(data)} bytes, not 20 ms to 30 s")
    return data


def start_part(
    call: CarrierCallId,
    *,
    session: str = "428c31b6-abf3-3bc1-b7f4-5013ef9657c1",
    from_number: str = "+15550002222",
    to_number: str = "+15550001111",
    client_state: str | None = None,
    custom: Mapping[str, str] | None = None,
) -> Mapping[str, object]:
    """What the ``start`` of a stream tells of its call."""
    return {
        "user_id": USER_ID,
        "call_control_id": call,
        "call_session_id": session,
        "from": from_number,
        "to": to_number,
        "tags": [],
        "client_state": client_state,
        "custom_parameters": custom or {},
        "media_format": FORMAT,
    }


def _said(event: MediaEvent, sequence: int) -> Mapping[str, object] | None:
    match event:
        case MediaStarted(carrier_call_id=call):
            return {"event": "start", "start": start_part(call)}
        case MediaAudio(data=data):
            return {"event": "media", "media": media_part(sequence, data)}
        case MediaMark(name=name):
            return {"event": "mark", "mark": {"name": name}}
        case MediaDigit(digit=digit):
            at = "2026-11-22T17:28:31.123456Z"
            return {"event": "dtmf", "occurred_at": at, "dtmf": {"digit": digit}}
        case MediaStopped():
            return {"event": "stop", "stop": {"user_id": USER_ID, "call_control_id": "v3:x"}}
    return None
