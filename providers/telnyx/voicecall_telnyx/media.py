"""How does audio travel to and from Telnyx? JSON text frames of µ-law in base64, sans-IO.

Frames: developers.telnyx.com, *Media streaming over WebSockets*. Telnyx writes counters as text
or as numbers and adds fields as it likes; of what it sends only the known is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from voicecall.sdk import (
    MULAW_8K,
    CarrierCallId,
    ClearAudio,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaEvent,
    MediaFault,
    MediaMark,
    MediaProtocol,
    MediaStarted,
    MediaStopped,
    PlaceMark,
    PlayAudio,
)
from voicecall_telnyx.legs import Keys
from voicecall_telnyx.webhooks import read_time

LONGEST_AUDIO_BYTES = MULAW_8K.bytes_per_second * 4
"""Telnyx takes up to 30 s in one message; four stay below 64 KiB."""


class _Format(msgspec.Struct):
    encoding: str = "PCMU"
    sample_rate: int | str = 8000


class _Start(msgspec.Struct):
    call_control_id: str
    media_format: _Format = msgspec.field(default_factory=_Format)


class _Media(msgspec.Struct):
    payload: bytes
    track: str = "inbound"


class _Named(msgspec.Struct):
    name: str


class _Digit(msgspec.Struct):
    digit: str


class Frame(msgspec.Struct):
    """Any frame from Telnyx; what `event` it is decides which part is there."""

    event: str
    stream_id: str = ""
    start: _Start | None = None
    media: _Media | None = None
    mark: _Named | None = None
    dtmf: _Digit | None = None
    occurred_at: str | None = None
    payload: Any = None


_decoder = msgspec.json.Decoder(Frame)
_encoder = msgspec.json.Encoder()


class TelnyxMedia(MediaProtocol):
    """Our side of one stream.

    Args:
        keys_of: the keys of a leg, which webhooks tell too.
    """

    def __init__(self, keys_of: Callable[[CarrierCallId], Keys]) -> None:
        self._keys_of = keys_of
        self._keys: Keys | None = None

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame from Telnyx says; an unreadable one is a `MediaFault`."""
        try:
            read = _decoder.decode(frame)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return (MediaFault(detail=f"unreadable frame: {type(error).__name__}"),)
        match read:
            case Frame(event="media", media=_Media() as media):
                return (MediaAudio(data=media.payload),) if "inbound" in media.track else ()
            case Frame(event="mark", mark=_Named(name=name)):
                return (MediaMark(name=name),)
            case Frame(event="start", start=_Start() as start):
                return (self._started(read.stream_id, start),)
            case Frame(event="dtmf", dtmf=_Digit(digit=digit)):
                return self._pressed(digit, read.occurred_at)
            case Frame(event="stop"):
                return (MediaStopped(),)
            case Frame(event="error"):
                return (MediaFault(detail=_complaint(read.payload)),)
            case Frame(event="media" | "mark" | "start" | "dtmf"):
                return (MediaFault(detail=f"a {read.event!r} frame without its {read.event!r}"),)
        return ()

    def _started(self, stream_id: str, start: _Start) -> MediaEvent:
        if self._keys is not None:
            return MediaFault(detail="a second start in one stream")
        form = start.media_format
        if form.encoding.upper() != "PCMU" or str(form.sample_rate) != "8000":
            return MediaFault(
                detail=f"Telnyx sends {form.encoding!r} at {form.sample_rate!r}, not the PCMU at "
                "8000 that was asked for; take other codecs off the connection"
            )
        call = CarrierCallId(start.call_control_id)
        self._keys = self._keys_of(call)
        return MediaStarted(stream_id=stream_id, carrier_call_id=call, format=MULAW_8K)

    def _pressed(self, digit: str, occurred_at: str | None) -> Sequence[MediaEvent]:
        keys = self._keys
        if keys is not None and not keys.stream_is_news(digit, read_time(occurred_at)):
            return ()
        return (MediaDigit(digit=digit),)

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frames that carry `command`."""
        match command:
            case PlayAudio(data=data):
                starts = range(0, len(data), LONGEST_AUDIO_BYTES)
                return [_audio(data[at : at + LONGEST_AUDIO_BYTES]) for at in starts]
            case PlaceMark(name=name):
                return (_write({"event": "mark", "mark": {"name": name}}),)
            case ClearAudio():
                return (_write({"event": "clear"}),)


def _audio(data: bytes) -> str:
    return _write({"event": "media", "media": {"payload": data}})


def _write(frame: dict[str, object]) -> str:
    return _encoder.encode(frame).decode()


def _complaint(payload: object) -> str:
    """An error of Telnyx's, without its `detail`, which may repeat what we sent."""
    known = payload if isinstance(payload, dict) else {}
    return f"Telnyx reports {str(known.get('title'))[:40]!r}, code {str(known.get('code'))[:8]!r}"
