"""Does a media stream carry what is put into it, both ways?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from voicecall.sdk import (
    Capability,
    CapabilityMissing,
    ClearAudio,
    Live,
    MediaAudio,
    MediaCommand,
    MediaDigit,
    MediaEvent,
    MediaFault,
    MediaMark,
    MediaProtocol,
    MediaStarted,
    MediaStopped,
    OpenStream,
    PlaceMark,
    PlayAudio,
    SignatureInvalid,
)
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, applies, equal, hold, refused, rule
from voicecall_conformance.suites.reply import commanded, replied, wanting

FRAMES = (1, 7, 150, 3000)
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
    return protocol, received(protocol, beginning(rig))


def beginning(rig: Rig) -> Sequence[str | bytes]:
    """The first frames of a stream."""
    event = MediaStarted(
        stream_id=STREAM_ID,
        carrier_call_id=rig.carrier_call_id,
        format=rig.spec.media_format,
    )
    return rig.frames(event)


def begins(rig: Rig) -> None:
    """The stream that the carrier was told to open begins, and is the one of the rig's call."""
    begun = start(rig)
    assert begun is not None
    _, events = begun
    equal("number of starts", [type(event) for event in events], [MediaStarted])
    started = events[0]
    assert isinstance(started, MediaStarted)
    equal("carrier's id", started.carrier_call_id, rig.carrier_call_id)
    equal("format", started.format, rig.spec.media_format)


def received(protocol: MediaProtocol, frames: Sequence[str | bytes]) -> list[MediaEvent]:
    """What all `frames` say."""
    return [event for frame in frames for event in protocol.receive(frame)]


def understood(rig: Rig, protocol: MediaProtocol, command: MediaCommand) -> list[MediaCommand]:
    """What the carrier makes of `command`."""
    frames = protocol.send(command)
    rig.wire += [f"sent    {frame!r:.400}" for frame in frames]
    return [rig.harness.hear(frame) for frame in frames]


class MediaSuite(Suite):
    """Area `media`."""

    @rule("media.start")
    async def test_a_stream_names_its_call_and_its_format(self, rig: Rig) -> None:
        if start(rig) is None:
            return
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        opening = rig.opening()
        order = OpenStream(url=opening.url, token=opening.token)
        await commanded(rig, call, order)
        begins(rig)
        if rig.spec.steers_by_document:
            replied(rig, wanting(rig), order)
            begins(rig)

    @rule("media.hears")
    async def test_what_the_caller_does_arrives_unchanged(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        size = rig.spec.media_format.frame_bytes
        audio = bytes(place % 256 for place in range(size))
        equal(
            "audio",
            received(protocol, rig.frames(MediaAudio(data=audio))),
            [MediaAudio(data=audio)],
        )
        for event in (MediaDigit(digit="#"), MediaStopped()):
            if frames := rig.frames(event):
                equal("arrives", received(protocol, frames), [event])

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

    @rule("media.once")
    async def test_a_stream_starts_once(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        again = received(protocol, beginning(rig))
        hold(not any(isinstance(event, MediaStarted) for event in again), f"started: {again!r}")
        audio = MediaAudio(data=b"\x7f" * rig.spec.media_format.frame_bytes)
        equal("audio after it", received(protocol, rig.frames(audio)), [audio])

    @rule("media.split")
    async def test_audio_of_any_length_reaches_the_carrier(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        for frames in FRAMES:
            size = frames * rig.spec.media_format.frame_bytes
            audio = (bytes(range(256)) * (size // 256 + 1))[:size]
            commands = understood(rig, begun[0], PlayAudio(data=audio))
            played = b"".join(each.data for each in commands if isinstance(each, PlayAudio))
            hold(played == audio, f"{size} bytes were sent, {len(played)} or others arrived")

    @rule("media.clear-settles")
    async def test_a_clear_settles_every_mark(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        protocol, _ = begun
        audio = PlayAudio(data=b"\x7f" * rig.spec.media_format.frame_bytes)
        for name in ("reached", "second", "third"):
            understood(rig, protocol, audio)
            understood(rig, protocol, PlaceMark(name=name))
        back = received(protocol, rig.frames(MediaMark(name="reached")))
        understood(rig, protocol, ClearAudio())
        frames = rig.harness.cleared(["second", "third"])
        rig.wire += [f"frame   {frame!r}" for frame in frames]
        events = back + received(protocol, frames)
        names = [event.name for event in events if isinstance(event, MediaMark)]
        equal("marks that come back", names, ["reached", "second", "third"])

    @rule("media.numbers")
    async def test_counters_are_text_or_numbers(self, rig: Rig) -> None:
        begun = start(rig)
        if begun is None:
            return
        applies(bool(rig.harness.counters), "the carrier writes its counters in one way")
        audio = MediaAudio(data=b"\x7f" * rig.spec.media_format.frame_bytes)
        frames = [*beginning(rig), *rig.frames(audio)]
        wanted = received(rig.framing(), frames)
        for written in (str, int):
            told = [_recounted(frame, rig.harness.counters, written) for frame in frames]
            rig.wire += [f"frame   {frame!r:.400}" for frame in told]
            equal(f"with counters as {written.__name__}", received(rig.framing(), told), wanted)

    @rule("media.handshake")
    async def test_a_signed_handshake_is_checked(self, rig: Rig) -> None:
        if start(rig) is None:
            return
        opening = rig.opening()
        if not rig.harness.signs_streams:
            rig.provider.verify_stream(opening)
            return
        signed = rig.harness.sign_stream(opening, at=NOW)
        rig.wire.append(f"handshake {signed.url} {signed.headers!r}")
        rig.provider.verify_stream(signed)
        stranger = type(rig.harness)(key="the-key-of-a-stranger").sign_stream(opening, at=NOW)
        for wrong, what in (
            (opening, "a handshake without signature"),
            (stranger, "a handshake signed with another key"),
            (replace(signed, url=f"{signed.url}x"), "a handshake signed for another URL"),
        ):
            with refused(SignatureInvalid, what):
                rig.provider.verify_stream(wrong)


def _recounted(
    frame: str | bytes, counters: Sequence[str], written: Callable[[str], object]
) -> str | bytes:
    """`frame` with its counters written in one way."""

    def changed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: changed(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [changed(each) for each in value]
        counts = key in counters and str(value).isdecimal()
        return written(str(value)) if counts else value

    return json.dumps(changed(json.loads(frame)))
