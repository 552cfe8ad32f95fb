"""Does a media stream carry what is put into it, both ways?"""

from __future__ import annotations

from collections.abc import Sequence

from voicecall.sdk import (
    Capability,
    CapabilityMissing,
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
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, equal, hold, refused, rule

STREAM_ID = "MS0123456789abcdef"
JUNK: tuple[str | bytes, ...] = (
    "",
    "{",
    "null",
    "[]",
    '{"event": "media"}',
    '{"event": "media", "media": {"payload": "%%%"}}',
    '{"event": 7}',
    "\ud800",
    b"\xff\xfe\x00",
)


def start(rig: Rig) -> tuple[MediaProtocol, list[MediaEvent]] | None:
    """A stream that has begun and what its first frames said; None without media streams."""
    if not rig.declares(Capability.MEDIA_STREAMS):
        with refused(CapabilityMissing, "a stream without declared media streams"):
            rig.framing()
        return None
    protocol = rig.framing()
    event = MediaStarted(
        stream_id=STREAM_ID,
        carrier_call_id=rig.carrier_call_id,
        format=rig.spec.media_format,
    )
    return protocol, received(protocol, rig.frames(event))


def received(protocol: MediaProtocol, frames: Sequence[str | bytes]) -> list[MediaEvent]:
    """What all `frames` say."""
    return [event for frame in frames for event in protocol.receive(frame)]


def understood(rig: Rig, protocol: MediaProtocol, command: MediaCommand) -> list[MediaCommand]:
    """What the carrier makes of `command`."""
    frames = protocol.send(command)
    rig.wire += [f"sent    {frame!r}" for frame in frames]
    return [rig.harness.hear(frame) for frame in frames]


class MediaSuite(Suite):
    """Area `media`."""

    @rule("media.start")
    async def test_a_stream_names_its_call_and_its_format(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        _, events = begun
        equal("number of starts", [type(event) for event in events], [MediaStarted])
        started = events[0]
        assert isinstance(started, MediaStarted)
        equal("carrier's id", started.carrier_call_id, rig.carrier_call_id)
        equal("format", started.format, rig.spec.media_format)

    @rule("media.hears")
    async def test_what_the_caller_does_arrives_unchanged(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        size = rig.spec.media_format.frame_bytes
        audio = bytes(place % 256 for place in range(size))
        for event in (MediaAudio(data=audio), MediaDigit(digit="#"), MediaStopped()):
            equal("arrives", received(protocol, rig.frames(event)), [event])

    @rule("media.plays")
    async def test_what_we_play_reaches_the_carrier_unchanged(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        size = rig.spec.media_format.frame_bytes
        pieces = [bytes([number]) * size for number in range(5)]
        commands = [
            heard for each in pieces for heard in understood(rig, protocol, PlayAudio(data=each))
        ]
        hold(all(isinstance(each, PlayAudio) for each in commands), f"plays {commands!r}")
        played = b"".join(each.data for each in commands if isinstance(each, PlayAudio))
        equal("audio at the carrier", played, b"".join(pieces))

    @rule("media.marks")
    async def test_a_mark_goes_and_comes_back_with_its_name(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        for name in ("mark-1", "speech:7/end"):
            told = understood(rig, protocol, PlaceMark(name=name))
            equal("mark at the carrier", told, [PlaceMark(name=name)])
            back = received(protocol, rig.frames(MediaMark(name=name)))
            equal("mark that comes back", back, [MediaMark(name=name)])

    @rule("media.clears")
    async def test_clearing_reaches_the_carrier(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        equal("told", understood(rig, begun[0], ClearAudio()), [ClearAudio()])

    @rule("media.faults")
    async def test_a_frame_that_cannot_be_read_ends_nothing(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        for frame in JUNK:
            rig.wire.append(f"frame   {frame!r}")
            events = protocol.receive(frame)
            hold(all(isinstance(event, MediaFault) for event in events), f"{frame!r}: {events!r}")
        hold(bool(protocol.receive("{")), "a frame that is no JSON is passed over in silence")
        after = MediaAudio(data=b"\x7f" * rig.spec.media_format.frame_bytes)
        equal("audio after the faults", received(protocol, rig.frames(after)), [after])
