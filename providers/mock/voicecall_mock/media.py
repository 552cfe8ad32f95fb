"""How does audio travel to and from the simulated network? JSON text frames, sans-IO."""

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


class Connected(msgspec.Struct, tag_field="event", tag="connected", rename="camel", frozen=True):
    """The socket is open; the first frame."""

    protocol: str = "mock-media"
    version: str = "1"


class MediaFormat(msgspec.Struct, rename="camel", frozen=True):
    """What `media` frames carry."""

    encoding: str = "audio/x-mulaw"
    sample_rate: int = 8000
    channels: int = 1


class Start(msgspec.Struct, tag_field="event", tag="start", rename="camel", frozen=True):
    """The stream begins; it names its call."""

    stream_id: str
    call_id: str
    media_format: MediaFormat = MediaFormat()


class Media(
    msgspec.Struct,
    tag_field="event",
    tag="media",
    rename="camel",
    frozen=True,
    forbid_unknown_fields=True,
):
    """Audio, either way; `payload` is base64 on the wire."""

    stream_id: str
    payload: bytes


class Mark(
    msgspec.Struct,
    tag_field="event",
    tag="mark",
    rename="camel",
    frozen=True,
    forbid_unknown_fields=True,
):
    """A place in what we play; comes back when it is reached or cleared."""

    stream_id: str
    name: str


class Clear(
    msgspec.Struct,
    tag_field="event",
    tag="clear",
    rename="camel",
    frozen=True,
    forbid_unknown_fields=True,
):
    """Drop everything not yet played."""

    stream_id: str


class Dtmf(msgspec.Struct, tag_field="event", tag="dtmf", rename="camel", frozen=True):
    """The person pressed a key."""

    stream_id: str
    digit: str


class Stop(msgspec.Struct, tag_field="event", tag="stop", rename="camel", frozen=True):
    """The stream ends."""

    stream_id: str


FromNetwork = Connected | Start | Media | Mark | Dtmf | Stop
ToNetwork = Media | Mark | Clear

_encoder = msgspec.json.Encoder()
_from_network: msgspec.json.Decoder[FromNetwork] = msgspec.json.Decoder(FromNetwork, strict=False)
_to_network: msgspec.json.Decoder[ToNetwork] = msgspec.json.Decoder(ToNetwork)


def write_frame(frame: FromNetwork | ToNetwork) -> str:
    """`frame` as the text of a WebSocket message."""
    return _encoder.encode(frame).decode()


def read_gateway_frame(text: str | bytes) -> ToNetwork:
    """A frame that a gateway sent; the network is strict.

    Raises:
        MediaError: binary, not JSON, an unknown event, a field missing or too many.
    """
    if isinstance(text, bytes):
        raise MediaError("the network takes text frames only")
    try:
        return _to_network.decode(text)
    except msgspec.MsgspecError as error:
        raise MediaError(f"the network cannot read this frame: {error}") from error


class MockMedia(MediaProtocol):
    """The gateway's side of one stream."""

    def __init__(self) -> None:
        self._stream_id: str | None = None

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame from the network says; an unreadable one is a `MediaFault`."""
        try:
            message = _from_network.decode(frame)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return (MediaFault(detail=f"unreadable frame: {error}"),)
        if isinstance(message, Connected):
            return ()
        if isinstance(message, Start):
            return (self._started(message),)
        if message.stream_id != self._stream_id:
            return (MediaFault(detail=f"frame of another stream: {message.stream_id!r}"),)
        return (_event(message),)

    def _started(self, start: Start) -> MediaEvent:
        if self._stream_id is not None:
            return MediaFault(detail="a second start in one stream")
        if start.media_format != MediaFormat():
            return MediaFault(detail=f"the network sends {start.media_format.encoding!r}")
        self._stream_id = start.stream_id
        return MediaStarted(
            stream_id=start.stream_id,
            carrier_call_id=CarrierCallId(start.call_id),
            format=MULAW_8K,
        )

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frames that carry `command`.

        Raises:
            MediaError: the stream has not started.
        """
        if self._stream_id is None:
            raise MediaError("nothing can be sent before the stream has started")
        match command:
            case PlayAudio(data=data):
                return (write_frame(Media(stream_id=self._stream_id, payload=data)),)
            case PlaceMark(name=name):
                return (write_frame(Mark(stream_id=self._stream_id, name=name)),)
            case ClearAudio():
                return (write_frame(Clear(stream_id=self._stream_id)),)


def _event(message: Media | Mark | Dtmf | Stop) -> MediaEvent:
    match message:
        case Media(payload=payload):
            return MediaAudio(data=payload)
        case Mark(name=name):
            return MediaMark(name=name)
        case Dtmf(digit=digit):
            return MediaDigit(digit=digit)
        case Stop():
            return MediaStopped()
