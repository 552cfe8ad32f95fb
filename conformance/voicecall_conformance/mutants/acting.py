"""Which faults does a provider have when it acts: dialling, ending, asking, telling?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from voicecall.sdk import (
    CallOrder,
    Capability,
    CapabilityMissing,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    CarrierRejected,
    Ended,
    HangUp,
    HttpReply,
    Instruction,
    Live,
    ProviderSpec,
    Say,
    Transfer,
    VerifiedWebhook,
)
from voicecall_conformance.mutants.wrapped import Mutant


class DialsTwice(Mutant):
    """Makes sure by dialling again."""

    breaks = "lifecycle.dial"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        await self.inner.place_call(order)
        return await self.inner.place_call(order)


class SetsNoLimit(Mutant):
    """Lets a call last for a day."""

    breaks = "lifecycle.limits"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(replace(order, max_duration_seconds=86_400))


class LeavesTheSecretOut(Mutant):
    """Gives callbacks that anybody could have made up."""

    breaks = "lifecycle.callbacks"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(replace(order, secret="none"))


class NeverHangsUp(Mutant):
    """Believes that calls end by themselves."""

    breaks = "lifecycle.hang-up"

    async def hang_up(self, call: CarrierCall) -> None:
        if call.carrier_call_id is None or ":" in call.carrier_call_id:
            await self.inner.hang_up(call)


class InsistsOnEnding(Mutant):
    """Takes a call that is gone for a failure."""

    breaks = "lifecycle.gone"

    async def hang_up(self, call: CarrierCall) -> None:
        if isinstance(await self.inner.status(call), Ended):
            raise CarrierCallGone("it has ended already")
        await self.inner.hang_up(call)


class SeesOnlyLife(Mutant):
    """Says of every call that it is live."""

    breaks = "lifecycle.status"

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        return Live()


class EscapesTwice(Mutant):
    """Puts an escaped id where a raw one belongs."""

    breaks = "lifecycle.escaping"

    async def hang_up(self, call: CarrierCall) -> None:
        escaped = CarrierCallId(quote(call.carrier_call_id or "", safe=""))
        await self.inner.hang_up(replace(call, carrier_call_id=escaped))


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

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        wants = any(event.wants_instructions for event in self.inner.parse(webhook))
        return self.inner.reply(webhook, instructions or ((HangUp(),) if wants else ()))


class AnswersBackwards(Mutant):
    """Writes the last instruction first."""

    breaks = "reply.order"

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        return self.inner.reply(webhook, tuple(reversed(instructions)))


class SpeaksMarkup(Mutant):
    """Lets text that looks like markup act as markup."""

    breaks = "reply.text"

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        injected = any(isinstance(each, Say) and "<Dial>" in each.text for each in instructions)
        added = (Transfer(to="+19005550000"),) if injected else ()
        return self.inner.reply(webhook, (*instructions, *added))

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        injected = any(isinstance(each, Say) and "<Dial>" in each.text for each in instructions)
        added = (Transfer(to="+19005550000"),) if injected else ()
        await self.inner.command(call, (*instructions, *added))


class CommandsPiecemeal(Mutant):
    """Sends the last instruction first, each by itself, so that one cuts the other."""

    breaks = "command.order"

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

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=spec.capabilities - {Capability.TRANSFER})


class AsksBeforeRefusing(Mutant):
    """Refuses what it does not declare only after it has asked the carrier."""

    breaks = "command.undeclared"

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        return replace(spec, capabilities=spec.capabilities - {Capability.TRANSFER})

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        if any(isinstance(each, Transfer) for each in instructions):
            await self.inner.status(call)
            raise CapabilityMissing(Capability.TRANSFER, plugin=self.spec.name)
        await self.inner.command(call, instructions)


MUTANTS: tuple[type[Mutant], ...] = (
    DialsTwice,
    SetsNoLimit,
    LeavesTheSecretOut,
    NeverHangsUp,
    InsistsOnEnding,
    SeesOnlyLife,
    EscapesTwice,
    AnswersWithAnError,
    EndsWhatItShouldKeep,
    AnswersBackwards,
    SpeaksMarkup,
    CommandsPiecemeal,
    TakesGoneForRefused,
    PromisesNothingDoesAll,
    AsksBeforeRefusing,
)
