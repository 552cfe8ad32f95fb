"""Which faults does a provider have when it tells a call what to do?"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from voicecall.sdk import (
    Answer,
    CallAnswered,
    CallbackUrls,
    CallProvider,
    Capability,
    CapabilityMissing,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierRejected,
    CarrierUnreachable,
    HangUp,
    HttpReply,
    Instruction,
    ProviderSpec,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    StopSpeaking,
    Transfer,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants.wrapped import Mutant


class Mistelling(Mutant):
    """Changes what it is to tell, in answers and in commands."""

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        """What becomes of instructions."""
        return instructions

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        return self.inner.reply(webhook, self.told(instructions))

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        if told := self.told(instructions):
            await self.inner.command(call, told)


class AnswersWithAnError(Mutant):
    """Has nothing to say, and says 404."""

    breaks = "reply.acknowledges"

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        reply = self.inner.reply(webhook, instructions)
        wants = any(event.wants_instructions for event in self.inner.parse(webhook))
        return reply if wants else replace(reply, status=404)


class EndsWhatItShouldKeep(Mutant):
    """Takes no instruction for the end."""

    breaks = "reply.keeps-alive"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.spec().steers_by_document

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        wants = any(event.wants_instructions for event in self.inner.parse(webhook))
        return self.inner.reply(webhook, instructions or ((HangUp(),) if wants else ()))


class AnswersBackwards(Mutant):
    """Writes the last instruction first."""

    breaks = "reply.order"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.spec().steers_by_document

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        return self.inner.reply(webhook, tuple(reversed(instructions)))


class NeverRepeatsItself(Mutant):
    """Has nothing to say to who asks again."""

    breaks = "reply.pure"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.spec().steers_by_document

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.answered: set[str] = set()

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        reply = self.inner.reply(webhook, instructions)
        asked = f"{webhook.replay_key} {instructions!r}"
        again = asked in self.answered
        self.answered.add(asked)
        return replace(reply, body=b"") if again and reply.body else reply


class SpeaksMarkup(Mistelling):
    """Lets text that looks like markup act as markup."""

    breaks = "reply.text"
    needs = frozenset({Capability.NATIVE_SPEECH, Capability.TRANSFER})

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        injected = any(isinstance(each, Say) and "<Dial>" in each.text for each in instructions)
        return (*instructions, *((Transfer(to="+19005550000"),) if injected else ()))


class CutsLongText(Mistelling):
    """Speaks as much as it can in one go."""

    breaks = "reply.long"
    needs = frozenset({Capability.NATIVE_SPEECH})

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        return [
            replace(each, text=each.text[:2900]) if isinstance(each, Say) else each
            for each in instructions
        ]


class RefusesInOneWay(Mistelling):
    """Tells every refused caller that we are busy."""

    breaks = "reply.rejects"
    needs = frozenset({Capability.INBOUND})

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return cls.needs <= genuine.spec().capabilities and genuine.tells_busy

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        return [
            Reject(reason=RejectReason.BUSY) if isinstance(each, Reject) else each
            for each in instructions
        ]


class PromisesNoBusy(Mutant):
    """Tells callers that we are busy, where the carrier is said to have no word for it."""

    breaks = "reply.rejects"
    needs = frozenset({Capability.INBOUND})

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return cls.needs <= genuine.spec().capabilities and genuine.tells_busy

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        return {"tells_busy": False}


class NeverPicksUp(Mistelling):
    """Takes an order to answer for one to hang up."""

    breaks = "reply.answers"
    needs = frozenset({Capability.INBOUND})

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        return [HangUp() if isinstance(each, Answer) else each for each in instructions]


class SaysNoSorry(Mutant):
    """Has the carrier told that something failed, where it gives up on that."""

    breaks = "reply.apology"

    def apology(self, webhook: VerifiedWebhook) -> HttpReply | None:
        return None

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        has_none = genuine.fallback is ProviderHarness.fallback
        return {"fallback": _last_resort} if has_none else {}


class TalksOn(Mistelling):
    """Cannot be silenced."""

    breaks = "command.stops"
    needs = frozenset({Capability.NATIVE_SPEECH})

    def told(self, instructions: Sequence[Instruction]) -> Sequence[Instruction]:
        return [each for each in instructions if not isinstance(each, StopSpeaking)]


class PressesInCommandsOnly(Mutant):
    """Has no word for keys in its documents."""

    breaks = "command.digits"
    needs = frozenset({Capability.SEND_DIGITS})

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        spec = genuine.spec()
        answers = spec.steers_by_document and not spec.digits_by_command
        return cls.needs <= spec.capabilities and answers

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        if any(isinstance(each, SendDigits) for each in instructions):
            raise CapabilityMissing(Capability.SEND_DIGITS, plugin=self.spec.name)
        return self.inner.reply(webhook, instructions)


class PressesAlone(Mutant):
    """Sends keys, and forgets what was to follow them."""

    breaks = "command.digits"
    needs = frozenset({Capability.SEND_DIGITS, Capability.NATIVE_LISTENING})

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        keys = [each for each in instructions if isinstance(each, SendDigits)]
        await self.inner.command(call, keys or instructions)


class CommandsUntilAnswered(Mutant):
    """Sends a command again whose answer was lost."""

    breaks = "command.once"

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        with suppress(CarrierUnreachable):
            return await self.inner.command(call, instructions)
        await self.inner.command(call, instructions)


class CommandsPiecemeal(Mutant):
    """Sends the last instruction first, each by itself, so that one cuts the other."""

    breaks = "command.order"
    needs = frozenset({Capability.NATIVE_SPEECH, Capability.NATIVE_LISTENING})

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        for instruction in reversed(instructions):
            await self.inner.command(call, (instruction,))


class TakesGoneForRefused(Mutant):
    """Cannot tell a call that ended from a refusal."""

    breaks = "command.gone"

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        try:
            await self.inner.command(call, instructions)
        except CarrierCallGone as error:
            raise CarrierRejected(error.message) from error


class PromisesNothingDoesAll(Mutant):
    """Does what it does not declare."""

    breaks = "command.undeclared"
    needs = frozenset({Capability.TRANSFER})

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=spec.capabilities - {Capability.TRANSFER})


class AsksBeforeRefusing(Mutant):
    """Refuses what it does not declare only after it has asked the carrier."""

    breaks = "command.undeclared"
    needs = frozenset({Capability.TRANSFER})

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=spec.capabilities - {Capability.TRANSFER})

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        if any(isinstance(each, Transfer) for each in instructions):
            await self.inner.status(call)
            raise CapabilityMissing(Capability.TRANSFER, plugin=self.spec.name)
        await self.inner.command(call, instructions)


def _last_resort(
    harness: ProviderHarness, *, urls: CallbackUrls, at: float
) -> WebhookRequest | None:
    event = CallAnswered(key="failed", carrier_call_id=CarrierCallId("CA1"))
    return harness.webhook(event, urls=urls, at=at)


MUTANTS: tuple[type[Mutant], ...] = (
    AnswersWithAnError,
    EndsWhatItShouldKeep,
    AnswersBackwards,
    NeverRepeatsItself,
    SpeaksMarkup,
    CutsLongText,
    RefusesInOneWay,
    PromisesNoBusy,
    NeverPicksUp,
    SaysNoSorry,
    CommandsPiecemeal,
    TakesGoneForRefused,
    PromisesNothingDoesAll,
    AsksBeforeRefusing,
    TalksOn,
    PressesInCommandsOnly,
    PressesAlone,
    CommandsUntilAnswered,
)
