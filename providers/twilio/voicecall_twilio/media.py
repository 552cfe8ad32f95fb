"""How does audio travel to and from Twilio? Media Streams: JSON text frames, sans-IO.

https://www.twilio.com/docs/voice/media-streams/websocket-messages. Twilio takes a frame with a
field too many for none (error 31951), so what we send has the documented fields and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

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

Number = int | str
"""Twilio writes some numbers as text; either is read."""


class Connected(msgspec.Struct, tag_field="event", tag="connected", rename="camel", frozen=True):
    """The socket is open; the first frame."""


class Format(msgspec.Struct, rename="camel", frozen=True):
    """What `media` frames carry."""

    encoding: str
    sample_rate: Number
    channels: Number = 1

    @property
    def is_telephone(self) -> bool:
        """Whether it is what `<Stream>` promises: µ-law, 8 kHz, mono."""
        return (self.encoding, str(self.sample_rate), str(self.channels)) == (
            "audio/x-mulaw",
            "8000",
            "1",
        )


class StartBody(msgspec.Struct, rename="camel", frozen=True):
    """Which stream of which call."""

    stream_sid: str
    call_sid: str
    media_format: Format


class Start(msgspec.Struct, tag_field="event", tag="start", rename="camel", frozen=True):
    """The stream begins."""

    start: StartBody


class MediaBody(msgspec.Struct, rename="camel", frozen=True):
    """20 ms of audio; `payload` is base64 on the wire."""

    payload: bytes
    track: str = "inbound"


class Media(msgspec.Struct, tag_field="event", tag="media", rename="camel", frozen=True):
    """Audio from the caller."""

    stream_sid: str
    media: MediaBody


class DtmfBody(msgspec.Struct, rename="camel", frozen=True):
    """A key."""

    digit: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-D*#]$")]


class Dtmf(msgspec.Struct, tag_field="event", tag="dtmf", rename="camel", frozen=True):
    """The caller pressed a key."""

    stream_sid: str
    dtmf: DtmfBody


class MarkBody(msgspec.Struct, rename="camel", frozen=True):
    """A place in what we play."""

    name: str


class Mark(msgspec.Struct, tag_field="event", tag="mark", rename="camel", frozen=True):
    """What was sent before the mark was played, or cleared."""

    stream_sid: str
    mark: MarkBody


class Stop(msgspec.Struct, tag_field="event", tag="stop", rename="camel", frozen=True):
    """The stream ends: the call has ended, or has a new document."""

    stream_sid: str


_decoder = msgspec.json.Decoder(Connected | Start | Media | Dtmf | Mark | Stop)
_encoder = msgspec.json.Encoder()


class TwilioMedia(MediaProtocol):
    """One stream."""

    def __init__(self) -> None:
        self._stream_sid: str | None = None

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame from Twilio says; an unreadable or unknown one is a `MediaFault`."""
        try:
            message = _decoder.decode(frame)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            return (MediaFault(detail=f"unreadable frame: {type(error).__name__}"),)
        if isinstance(message, Connected):
            return ()
        if isinstance(message, Start):
            return (self._started(message.start),)
        if message.stream_sid != self._stream_sid:
            return (MediaFault(detail="a frame of another stream, or before the start"),)
        return _events(message)

    def _started(self, start: StartBody) -> MediaEvent:
        if self._stream_sid is not None:
            return MediaFault(detail="a second start in one stream")
        if not start.media_format.is_telephone:
            return MediaFault(detail=f"Twilio sends {start.media_format!r}, not µ-law at 8 kHz")
        self._stream_sid = start.stream_sid
        return MediaStarted(
            stream_id=start.stream_sid,
            carrier_call_id=CarrierCallId(start.call_sid),
            format=MULAW_8K,
        )

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frames that carry `command`.

        Raises:
            MediaError: the stream has not started.
        """
        if self._stream_sid is None:
            raise MediaError("nothing can be sent before the stream has started")
        match command:
            case PlayAudio(data=data):
                return (self._write("media", media={"payload": data}),) if data else ()
            case PlaceMark(name=name):
                return (self._write("mark", mark={"name": name}),)
            case ClearAudio():
                return (self._write("clear"),)

    def _write(self, event: str, **content: object) -> str:
        frame = {"event": event, "streamSid": self._stream_sid, **content}
        return _encoder.encode(frame).decode()


def _events(message: Media | Dtmf | Mark | Stop) -> Sequence[MediaEvent]:
    match message:
        case Media(media=MediaBody(payload=payload, track="inbound")):
            return (MediaAudio(data=payload),)
        case Media():
            return ()  # our own voice, where somebody asked for both tracks
        case Mark(mark=mark):
            return (MediaMark(name=mark.name),)
        case Dtmf(dtmf=dtmf):
            return (MediaDigit(digit=dtmf.digit),)
        case Stop():
            return (MediaStopped(),)
