"""How does audio travel to and from Acme? JSON text frames with base64 audio, sans-IO.

https://docs.acme.example/streams
"""

from __future__ import annotations

from collections.abc import Sequence

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


class Start(msgspec.Struct, tag_field="event", tag="start", frozen=True):
    """The first frame."""

    stream: str
    call: str
    encoding: str


class Sound(msgspec.Struct, tag_field="event", tag="audio", frozen=True):
    """20 ms of the caller; `data` is base64 on the wire."""

    data: bytes


class Mark(msgspec.Struct, tag_field="event", tag="mark", frozen=True):
    """What was sent before the mark `name` was played, or dropped."""

    name: str


class Key(msgspec.Struct, tag_field="event", tag="key", frozen=True):
    """The caller pressed a key."""

    key: str


class Stop(msgspec.Struct, tag_field="event", tag="stop", frozen=True):
    """The stream ends."""


_frames: msgspec.json.Decoder[Start | Sound | Mark | Key | Stop] = msgspec.json.Decoder(
    Start | Sound | Mark | Key | Stop
)


class AcmeMedia(MediaProtocol):
    """One stream."""

    def __init__(self) -> None:
        self._stream: str | None = None

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame of Acme's says; one that cannot be read is a `MediaFault`."""
        try:
            message = _frames.decode(frame)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return (MediaFault(detail=f"Acme sent a frame that cannot be read: {error}"),)
        match message:
            case Start():
                return (self._started(message),)
            case Sound(data=data):
                return (MediaAudio(data=data),)
            case Mark(name=name):
                return (MediaMark(name=name),)
            case Key(key=key):
                return (MediaDigit(digit=key),)
            case Stop():
                return (MediaStopped(),)

    def _started(self, start: Start) -> MediaEvent:
        if self._stream is not None:
            return MediaFault(detail="Acme started one stream twice")
        if start.encoding != "ulaw":
            return MediaFault(detail=f"Acme sends {start.encoding!r}; this plugin reads 'ulaw'")
        self._stream = start.stream
        call = CarrierCallId(start.call)
        return MediaStarted(stream_id=start.stream, carrier_call_id=call, format=MULAW_8K)

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frame that carries `command`.

        Raises:
            MediaError: the stream has not started.
        """
        if self._stream is None:
            raise MediaError("nothing can be sent before Acme has started the stream")
        return (msgspec.json.encode(_frame(self._stream, command)).decode(),)


def _frame(stream: str, command: MediaCommand) -> dict[str, str | bytes]:
    match command:
        case PlayAudio(data=data):
            return {"event": "audio", "stream": stream, "data": data}
        case PlaceMark(name=name):
            return {"event": "mark", "stream": stream, "name": name}
        case ClearAudio():
            return {"event": "clear", "stream": stream}
