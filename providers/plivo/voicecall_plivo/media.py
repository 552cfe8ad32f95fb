"""How does an audio stream of Plivo speak? JSON text frames, sans-IO.

https://www.plivo.com/docs/voice-agents/audio-streaming/concepts/audio-streaming-guide. Counters
come as numbers or as text and are of no use to us; unknown events and fields are passed over.

A checkpoint comes back when everything before it was played. Plivo drops those that wait when
the audio is cleared, so they are settled here, by its word that it cleared.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from voicecall.sdk import (
    MULAW_8K,
    CarrierCallId,
    ClearAudio,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaError,
    MediaEvent,
    MediaFault,
    MediaMark,
    MediaProtocol,
    MediaStarted,
    MediaStopped,
    PlaceMark,
    PlayAudio,
)

MULAW = "audio/x-mulaw"
MAX_PLAY_BYTES = 12_000
"""Of one ``playAudio``: 1.5 s, below Plivo's 16 KB of base64."""
MAX_CHECKPOINTS = 1024
FAULTS = ("error", "playFailed", "incorrectPayload")

Message = dict[str, Any]


def write_frame(message: Message) -> str:
    """`message` as the text of a WebSocket message."""
    return msgspec.json.encode(message).decode()


def read_frame(frame: str | bytes) -> Message:
    """The message in a frame.

    Raises:
        MediaError: it is no JSON object with the name of an event.
    """
    try:
        message = msgspec.json.decode(frame)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise MediaError(f"unreadable frame: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        raise MediaError("a frame without the name of an event")
    return message


class PlivoMedia(MediaProtocol):
    """Our side of one stream."""

    def __init__(self) -> None:
        self._stream_id: str | None = None
        self._checkpoints: deque[str] = deque(maxlen=MAX_CHECKPOINTS)
        self._cleared: deque[deque[str]] = deque(maxlen=MAX_CHECKPOINTS)

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame from Plivo says; an unreadable one is a `MediaFault`."""
        try:
            return self._receive(read_frame(frame))
        except (MediaError, KeyError, TypeError, ValueError, AttributeError) as error:
            return (MediaFault(detail=f"{type(error).__name__}: {error}"),)

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frames that carry `command`.

        Raises:
            MediaError: the stream has not started.
        """
        if self._stream_id is None:
            raise MediaError("nothing can be sent before the stream has started")
        match command:
            case PlayAudio(data=data):
                starts = range(0, len(data), MAX_PLAY_BYTES)
                return tuple(_play(data[start : start + MAX_PLAY_BYTES]) for start in starts)
            case PlaceMark(name=name):
                self._checkpoints.append(name)
                return (self._write("checkpoint", name=name),)
            case ClearAudio():
                self._cleared.append(self._checkpoints)
                self._checkpoints = deque(maxlen=MAX_CHECKPOINTS)
                return (self._write("clearAudio"),)

    def _write(self, event: str, **fields: str) -> str:
        return write_frame({"event": event, "streamId": self._stream_id, **fields})

    def _receive(self, message: Message) -> Sequence[MediaEvent]:
        event = message["event"]
        if event == "start":
            return (self._start(message["start"]),)
        if self._stream_id is None:
            raise MediaError(f"{event!r} before the stream has started")
        if message.get("streamId", self._stream_id) != self._stream_id:
            raise MediaError("a frame of another stream")
        match event:
            case "media":
                return _audio(message["media"])
            case "dtmf":
                return (MediaDigit(digit=str(message["dtmf"]["digit"])),)
            case "playedStream" | "played":
                return (self._played(str(message["name"])),)
            case "clearedAudio":
                names = self._cleared.popleft() if self._cleared else ()
                return tuple(MediaMark(name=name) for name in names)
            case "stop":
                return (MediaStopped(),)
            case _ if event in FAULTS:
                return (MediaFault(detail=f"{event}: {message.get('reason', 'no reason given')}"),)
        return ()

    def _start(self, start: Message) -> MediaEvent:
        if self._stream_id is not None:
            raise MediaError("a second start in one stream")
        shape = start["mediaFormat"]
        encoding = str(shape["encoding"]).partition(";")[0].strip()
        if encoding != MULAW or int(shape["sampleRate"]) != MULAW_8K.rate:
            raise MediaError(f"Plivo sends {shape!r}; {MULAW} at {MULAW_8K.rate} Hz was asked for")
        call, self._stream_id = CarrierCallId(str(start["callId"])), str(start["streamId"])
        return MediaStarted(stream_id=self._stream_id, carrier_call_id=call, format=MULAW_8K)

    def _played(self, name: str) -> MediaEvent:
        """Those before a checkpoint were passed, whether or not their word came."""
        for waiting in (*self._cleared, self._checkpoints):
            if name in waiting:
                while waiting.popleft() != name:
                    pass
        return MediaMark(name=name)


def _audio(media: Message) -> Sequence[MediaEvent]:
    if media.get("track", "inbound") != "inbound":
        return ()
    try:
        return (MediaAudio(data=base64.b64decode(media["payload"], validate=True)),)
    except binascii.Error as error:
        raise MediaError("audio that is no base64") from error


def _play(data: bytes) -> str:
    return write_frame(
        {
            "event": "playAudio",
            "media": {
                "contentType": MULAW,
                "sampleRate": MULAW_8K.rate,
                "payload": base64.b64encode(data).decode(),
            },
        }
    )
