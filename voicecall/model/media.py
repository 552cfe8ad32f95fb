"""Audio on the wire: formats, what a media stream tells us, what we tell it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from voicecall.model.ids import CallId, CarrierCallId, StreamToken

FRAME_SECONDS = 0.020
"""Length of one frame of telephone audio."""


class Encoding(StrEnum):
    """How samples are written. `PCM16` is signed, little-endian, mono."""

    MULAW = "mulaw"
    ALAW = "alaw"
    PCM16 = "pcm16"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFormat:
    """Mono audio: an encoding and a sample rate in Hz.

    `bytes_per_second` and `frame_bytes` follow: what holds one second, and one frame of 20 ms.
    """

    encoding: Encoding
    rate: int
    bytes_per_second: int = field(init=False, repr=False, compare=False)
    frame_bytes: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        bytes_per_second = self.rate * (2 if self.encoding is Encoding.PCM16 else 1)
        object.__setattr__(self, "bytes_per_second", bytes_per_second)
        object.__setattr__(self, "frame_bytes", bytes_per_second // 50)


MULAW_8K = AudioFormat(encoding=Encoding.MULAW, rate=8000)
ALAW_8K = AudioFormat(encoding=Encoding.ALAW, rate=8000)
PCM16_8K = AudioFormat(encoding=Encoding.PCM16, rate=8000)
PCM16_16K = AudioFormat(encoding=Encoding.PCM16, rate=16000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A piece of mono audio of any length, whole samples."""

    data: bytes
    format: AudioFormat

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return len(self.data) / self.format.bytes_per_second


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpening:
    """What is known of a media socket's handshake: which call, which token, which headers.

    Args:
        call_id: the call that the token was minted for.
        token: the one-time token.
        url: the carrier-facing ``wss:`` (``ws:`` on loopback) URL with the raw query; what the
            carrier signed, if it signs handshakes.
        headers: names lower-cased, repeats kept.
        alternative_urls: other forms that the carrier may have signed (trusted forwarding
            headers); empty unless configured.
    """

    call_id: CallId
    token: StreamToken
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    alternative_urls: tuple[str, ...] = ()

    @property
    def urls(self) -> tuple[str, ...]:
        """Every URL that the carrier may have signed, the likeliest first."""
        return (self.url, *self.alternative_urls)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStarted:
    """The stream is open. `format` is what the carrier sends; it must name its call."""

    stream_id: str
    carrier_call_id: CarrierCallId
    format: AudioFormat


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaAudio:
    """Audio from the caller, in the format of `MediaStarted`; usually 20 ms."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaMark:
    """Everything sent before the mark `name` was played, or was cleared."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaDigit:
    """The caller pressed a key, told in-band by the stream."""

    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStopped:
    """The carrier ends the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFault:
    """The carrier complains, or sent a frame that cannot be read. Counted; the call goes on."""

    detail: str


MediaEvent = MediaStarted | MediaAudio | MediaMark | MediaDigit | MediaStopped | MediaFault


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayAudio:
    """Play `data`, in the stream's format, after everything sent before."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceMark:
    """Tell us (`MediaMark`) when everything sent before was played."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAudio:
    """Drop everything that was sent and not yet played."""


MediaCommand = PlayAudio | PlaceMark | ClearAudio
