"""Which faults does a provider's media framing have that the suite must catch?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from voicecall.sdk import (
    ALAW_8K,
    CallProvider,
    Capability,
    CarrierCall,
    CarrierCallId,
    ClearAudio,
    HttpReply,
    Instruction,
    MediaAudio,
    MediaCommand,
    MediaEvent,
    MediaFault,
    MediaMark,
    MediaProtocol,
    MediaStarted,
    OpenStream,
    PlaceMark,
    PlayAudio,
    ProviderSpec,
    SignatureInvalid,
    StreamOpening,
    VerifiedWebhook,
)
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants.wrapped import Mutant

RATE_AS_TEXT = re.compile(rb'[rR]ate": "')


class Framing(MediaProtocol):
    """A framing that does what the genuine one inside does; a subclass changes one thing."""

    def __init__(self, inner: MediaProtocol) -> None:
        self.inner = inner

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        return [self.event(event) for event in self.inner.receive(frame)]

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        return self.inner.send(self.told(command))

    def event(self, event: MediaEvent) -> MediaEvent:
        """What becomes of an event."""
        return event

    def told(self, command: MediaCommand) -> MediaCommand:
        """What becomes of a command."""
        return command


class Streaming(Mutant):
    """A provider whose framing is faulty."""

    needs = frozenset({Capability.MEDIA_STREAMS})
    framing: ClassVar[type[Framing]] = Framing

    def media(self, opening: StreamOpening) -> MediaProtocol:
        return self.framing(self.inner.media(opening))


class _OtherCall(Framing):
    def event(self, event: MediaEvent) -> MediaEvent:
        if not isinstance(event, MediaStarted):
            return event
        return replace(event, carrier_call_id=CarrierCallId("another"), format=ALAW_8K)


class StartsForAnotherCall(Streaming):
    """Names another call and another format than the carrier does."""

    breaks = "media.start"
    framing = _OtherCall


class OpensForAnotherCall(Streaming):
    """Confuses whose stream it is once it has told the carrier to open one."""

    breaks = "media.start"
    framing = _OtherCall

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.asked = False

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        self.asked |= any(isinstance(each, OpenStream) for each in instructions)
        return self.inner.reply(webhook, instructions)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        self.asked |= any(isinstance(each, OpenStream) for each in instructions)
        await self.inner.command(call, instructions)

    def media(self, opening: StreamOpening) -> MediaProtocol:
        return super().media(opening) if self.asked else self.inner.media(opening)


class _Deaf(Framing):
    def event(self, event: MediaEvent) -> MediaEvent:
        if not isinstance(event, MediaAudio):
            return event
        kept = event.data if len(set(event.data)) == 1 else event.data[:-1]
        return MediaAudio(data=kept)


class DropsASample(Streaming):
    """Loses the last byte of every frame that is not silence."""

    breaks = "media.hears"
    framing = _Deaf


class _Loud(Framing):
    def told(self, command: MediaCommand) -> MediaCommand:
        if not isinstance(command, PlayAudio):
            return command
        return PlayAudio(data=bytes(byte ^ 1 for byte in command.data))


class ChangesWhatItPlays(Streaming):
    """Flips a bit of every sample."""

    breaks = "media.plays"
    framing = _Loud


class _Renaming(Framing):
    def event(self, event: MediaEvent) -> MediaEvent:
        return MediaMark(name=event.name.split("/")[0]) if isinstance(event, MediaMark) else event


class CutsMarks(Streaming):
    """Gives back a part of a mark's name."""

    breaks = "media.marks"
    framing = _Renaming


class _Unclear(Framing):
    def told(self, command: MediaCommand) -> MediaCommand:
        return PlaceMark(name="clear") if isinstance(command, ClearAudio) else command


class NeverClears(Streaming):
    """Sends a mark where it should clear."""

    breaks = "media.clears"
    framing = _Unclear


class _Fragile(Framing):
    def event(self, event: MediaEvent) -> MediaEvent:
        if isinstance(event, MediaFault):
            raise ValueError(event.detail)
        return event


class BreaksOnJunk(Streaming):
    """Raises on a frame that it cannot read."""

    breaks = "media.faults"
    framing = _Fragile


class _Restarting(Framing):
    first: MediaStarted | None = None

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        events = super().receive(frame)
        started = [event for event in events if isinstance(event, MediaStarted)]
        self.first = started[0] if started else self.first
        again = self.first and not started and b'"start"' in _bytes(frame)
        return [self.first] if self.first and again else events


class StartsAgain(Streaming):
    """Lets whoever sends a start take the stream over."""

    breaks = "media.once"
    framing = _Restarting


class _Short(Framing):
    def told(self, command: MediaCommand) -> MediaCommand:
        if not isinstance(command, PlayAudio):
            return command
        return PlayAudio(data=command.data[:16_000])


class CutsLongAudio(Streaming):
    """Sends as much as fits into one message."""

    breaks = "media.split"
    framing = _Short


class _Forgetful(Framing):
    cleared = False

    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        self.cleared = self.cleared or isinstance(command, ClearAudio)
        return super().send(command)

    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        events = super().receive(frame)
        return [each for each in events if not (self.cleared and isinstance(each, MediaMark))]


class ForgetsMarks(Streaming):
    """Leaves those waiting who wait for a mark that was cleared."""

    breaks = "media.clear-settles"
    framing = _Forgetful


class _Typed(Framing):
    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        if RATE_AS_TEXT.search(_bytes(frame)):
            return [MediaFault(detail="a rate of the wrong type")]
        return super().receive(frame)


class InsistsOnNumbers(Streaming):
    """Reads a number only where it is written as one."""

    breaks = "media.numbers"
    framing = _Typed


class AdmitsAnybody(Streaming):
    """Never looks at who signed a handshake."""

    breaks = "media.handshake"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return super().fits(genuine) and genuine.signs_streams

    def verify_stream(self, opening: StreamOpening) -> None:
        return


class DemandsASignature(Streaming):
    """Wants handshakes signed by a carrier that signs none."""

    breaks = "media.handshake"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return super().fits(genuine) and not genuine.signs_streams

    def verify_stream(self, opening: StreamOpening) -> None:
        if not opening.headers:
            raise SignatureInvalid("the handshake is not signed")
        self.inner.verify_stream(opening)


def _bytes(frame: str | bytes) -> bytes:
    return frame if isinstance(frame, bytes) else frame.encode("utf-8", "replace")


MUTANTS: tuple[type[Mutant], ...] = (
    StartsForAnotherCall,
    OpensForAnotherCall,
    DropsASample,
    ChangesWhatItPlays,
    CutsMarks,
    NeverClears,
    BreaksOnJunk,
    StartsAgain,
    CutsLongAudio,
    ForgetsMarks,
    InsistsOnNumbers,
    AdmitsAnybody,
    DemandsASignature,
)
