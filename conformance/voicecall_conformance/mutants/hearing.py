"""Which faults does a provider's `parse` have that the suite must catch?"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallOffered,
    CallRinging,
    Capability,
    CarrierEvent,
    DigitsPressed,
    Direction,
    EndCause,
    MachineDetected,
    MachineResult,
    SpeechEnded,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    UnknownEvent,
    VerifiedWebhook,
    WebhookMalformed,
)
from voicecall_conformance.mutants.wrapped import Mutant


class Mishearing(Mutant):
    """Changes single events."""

    def event(self, event: CarrierEvent) -> CarrierEvent:
        """What becomes of an event."""
        return event

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        return [self.event(event) for event in self.inner.parse(webhook)]


class ForgetsTheCall(Mishearing):
    """Drops what the callback URL carried."""

    breaks = "events.call"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, call_id=None, call_secret=None)


class NumbersEvents(Mishearing):
    """Gives a repeated report a new key."""

    breaks = "events.key"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, key=str(uuid.uuid4()))


class RingsForEver(Mishearing):
    """Takes an answered call for a ringing one."""

    breaks = "events.progress"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, CallAnswered):
            return event
        return CallRinging(
            key=event.key,
            carrier_call_id=event.carrier_call_id,
            call_id=event.call_id,
            call_secret=event.call_secret,
            wants_instructions=event.wants_instructions,
        )


class EndsWell(Mishearing):
    """Knows one way for a call to end."""

    breaks = "events.causes"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, cause=EndCause.COMPLETED) if isinstance(event, CallEnded) else event


class SwapsNumbers(Mishearing):
    """Mistakes the caller for the callee."""

    breaks = "events.inbound"
    needs = frozenset({Capability.INBOUND})

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, CallOffered):
            return event
        return replace(event, from_number=event.to_number, to_number=event.from_number)


class MixesTurns(Mishearing):
    """Loses the turn to which speech belongs."""

    breaks = "events.speech"
    needs = frozenset({Capability.NATIVE_LISTENING})

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, turn=None) if isinstance(event, SpeechHeard) else event


class DropsKeys(Mishearing):
    """Keeps only the digits among the keys."""

    breaks = "events.digits"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, DigitsPressed):
            return event
        return replace(event, digits="".join(key for key in event.digits if key.isdigit()))


class FearsTheUnknown(Mutant):
    """Refuses what it does not know."""

    breaks = "events.unknown"

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        events = self.inner.parse(webhook)
        if any(isinstance(event, UnknownEvent) for event in events):
            raise WebhookMalformed("of an unknown kind")
        return events


class SwallowsTheMalformed(Mutant):
    """Makes nothing of what it cannot read."""

    breaks = "events.malformed"

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        try:
            return self.inner.parse(webhook)
        except WebhookMalformed:
            return ()


class SteersWrongly(Mishearing):
    """Mistakes who is to tell the call what to do."""

    breaks = "events.steering"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, wants_instructions=not event.wants_instructions)


class SpeaksForNobody(Mishearing):
    """Forgets whose turn the carrier's voice has ended."""

    breaks = "events.spoken"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, turn=None) if isinstance(event, SpeechEnded) else event


class TakesMachinesForPeople(Mishearing):
    """Believes that a person answers."""

    breaks = "events.machine"
    needs = frozenset({Capability.MACHINE_DETECTION})

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, MachineDetected):
            return event
        return replace(event, result=MachineResult.HUMAN)


class SeesStreamsRun(Mishearing):
    """Takes every report about a stream for its start."""

    breaks = "events.stream"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, StreamChanged):
            return event
        return replace(event, change=StreamChange.STARTED)


class TakesAllForInbound(Mishearing):
    """Takes a call that was placed elsewhere for somebody who calls us."""

    breaks = "events.elsewhere"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        if not isinstance(event, CallOffered):
            return event
        return replace(event, placed_elsewhere=False, direction=Direction.INBOUND)


class VouchesForEverybody(Mishearing):
    """Attests numbers that nobody attested."""

    breaks = "events.attestation"

    def event(self, event: CarrierEvent) -> CarrierEvent:
        return replace(event, attestation="A") if isinstance(event, CallOffered) else event


MUTANTS: tuple[type[Mutant], ...] = (
    ForgetsTheCall,
    NumbersEvents,
    RingsForEver,
    EndsWell,
    SwapsNumbers,
    MixesTurns,
    DropsKeys,
    FearsTheUnknown,
    SwallowsTheMalformed,
    SteersWrongly,
    SpeaksForNobody,
    TakesMachinesForPeople,
    SeesStreamsRun,
    TakesAllForInbound,
    VouchesForEverybody,
)
