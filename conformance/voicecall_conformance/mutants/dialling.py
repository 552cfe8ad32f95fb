"""Which faults does a provider have when it dials, ends and asks?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from voicecall.sdk import (
    CallOrder,
    Capability,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierCallStatus,
    HttpReply,
    Instruction,
    Live,
    VerifiedWebhook,
    new_call_id,
)
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants.wrapped import Mutant


class DialsTwice(Mutant):
    """Makes sure by dialling again."""

    breaks = "lifecycle.dial"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        await self.inner.place_call(order)
        return await self.inner.place_call(replace(order, call_id=new_call_id()))


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


class LeavesTheSecretOutLater(Mutant):
    """Dials with good callbacks, and writes documents with such as anybody could make up."""

    breaks = "lifecycle.callbacks"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        # Only documents that bring the carrier back hold callbacks.
        comes_back = type(genuine).comes_back is not ProviderHarness.comes_back
        return genuine.spec().steers_by_document and comes_back

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        reply = self.inner.reply(webhook, instructions)
        secrets = {event.call_secret for event in self.inner.parse(webhook)} - {None}
        body = reply.body
        for secret in secrets:
            body = body.replace(str(secret).encode(), b"none")
        return replace(reply, body=body)


class LeavesTheSecretOutOfCommands(LeavesTheSecretOutLater):
    """The same in what it commands."""

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        return self.inner.reply(webhook, instructions)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        await self.inner.command(replace(call, secret="none"), instructions)


class CallsFromOneNumber(Mutant):
    """Calls from the configured number, whatever the order says."""

    breaks = "lifecycle.caller"

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(replace(order, from_number=None))


class NeverHangsUp(Mutant):
    """Believes that calls end by themselves."""

    breaks = "lifecycle.hang-up"

    async def hang_up(self, call: CarrierCall) -> None:
        if call.carrier_call_id is None or _is_odd(call.carrier_call_id):
            await self.inner.hang_up(call)


class InsistsOnEnding(Mutant):
    """Takes a call that is gone for a failure."""

    breaks = "lifecycle.gone"

    async def hang_up(self, call: CarrierCall) -> None:
        if call.carrier_call_id == "a-call-that-never-was":
            raise CarrierCallGone("the carrier does not know it")
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
        raw = call.carrier_call_id or CarrierCallId("")
        escaped = CarrierCallId(quote(raw, safe="")) if _is_odd(raw) else raw
        await self.inner.hang_up(replace(call, carrier_call_id=escaped))


class DialsTheUndialable(Mutant):
    """Brings no limit into the range that the carrier takes."""

    breaks = "lifecycle.clamps"

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        """The range narrower than the provider knows it, or one where it knows none."""
        ranges = {"ring_range": genuine.ring_range, "duration_range": genuine.duration_range}
        return {name: _narrower(limits or (0, math.inf)) for name, limits in ranges.items()}


class KeepsKeysBack(Mutant):
    """Presses no keys."""

    breaks = "lifecycle.digits"
    needs = frozenset({Capability.SEND_DIGITS})

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(replace(order, dtmf_sequence=None))


class AlwaysDetects(Mutant):
    """Pays for detection whether it is wanted or not."""

    breaks = "lifecycle.detects"
    needs = frozenset({Capability.MACHINE_DETECTION})

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(replace(order, detect_machine=True))


class NeverDetects(Mutant):
    """Saves itself the trouble."""

    breaks = "lifecycle.detects"
    needs = frozenset({Capability.MACHINE_DETECTION})

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        changed = replace(order, detect_machine=False, await_beep=False)
        return await self.inner.place_call(changed)


class LetsItRing(Mutant):
    """Ends answered calls only."""

    breaks = "lifecycle.cancels"

    async def hang_up(self, call: CarrierCall) -> None:
        if call.answered:
            await self.inner.hang_up(call)


def _is_odd(call: str) -> bool:
    return "#" in call


def _narrower(limits: tuple[float, float]) -> tuple[float, float]:
    return limits[0] + 1, limits[1] - 1


MUTANTS: tuple[type[Mutant], ...] = (
    DialsTwice,
    SetsNoLimit,
    LeavesTheSecretOut,
    LeavesTheSecretOutLater,
    LeavesTheSecretOutOfCommands,
    CallsFromOneNumber,
    NeverHangsUp,
    InsistsOnEnding,
    SeesOnlyLife,
    EscapesTwice,
    DialsTheUndialable,
    KeepsKeysBack,
    AlwaysDetects,
    NeverDetects,
    LetsItRing,
)
