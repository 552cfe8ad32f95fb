"""What is a mutant? A genuine provider with one fault, which one rule is there to catch."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

from voicecall.sdk import (
    CallOrder,
    CallProvider,
    Capability,
    CarrierCall,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    Finding,
    HttpReply,
    Instruction,
    MediaProtocol,
    ProviderContext,
    ProviderSpec,
    StreamOpening,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_conformance.harness import ProviderHarness


class Mutant(CallProvider):
    """A provider that does what the genuine one inside does; a subclass changes one thing.

    `breaks` is the rule that has to catch it; the only others that may break with it are those
    which that rule implies. `needs`: without these capabilities the fault cannot show.
    """

    breaks: ClassVar[str]
    needs: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        self.inner = inner
        self.spec = spec

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return self.inner.verify(request)

    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        return self.inner.parse(webhook)

    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        return self.inner.reply(webhook, instructions)

    async def place_call(self, order: CallOrder) -> CarrierCallId:
        return await self.inner.place_call(order)

    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        await self.inner.command(call, instructions)

    async def hang_up(self, call: CarrierCall) -> None:
        await self.inner.hang_up(call)

    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        return await self.inner.status(call)

    def apology(self, webhook: VerifiedWebhook) -> HttpReply | None:
        return self.inner.apology(webhook)

    def verify_stream(self, opening: StreamOpening) -> None:
        self.inner.verify_stream(opening)

    def renewal(self, config: Any) -> Callable[[], None] | None:
        return self.inner.renewal(config)

    async def check(self) -> Sequence[Finding]:
        return await self.inner.check()

    def media(self, opening: StreamOpening) -> MediaProtocol:
        return self.inner.media(opening)

    @classmethod
    def twist(cls, spec: ProviderSpec) -> ProviderSpec:
        """The spec, for a fault that sits there."""
        return spec

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        """Whether the fault can show in this provider and with its carrier."""
        return cls.needs <= genuine.spec().capabilities

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        """Attributes of the harness to replace, for a fault that sits in the package."""
        return {}


def infect(genuine: type[ProviderHarness], mutant: type[Mutant]) -> type[ProviderHarness]:
    """The carrier of `genuine`, with `mutant` in front of it."""

    def spec(harness: ProviderHarness) -> ProviderSpec:
        twisted = mutant.twist(genuine.spec(harness))

        @asynccontextmanager
        async def opened(config: Any, context: ProviderContext) -> AsyncIterator[CallProvider]:
            async with twisted.open(config, context) as inner:
                yield mutant(inner, twisted)

        return replace(twisted, open=opened)

    attributes = {"spec": spec, **mutant.attributes(genuine)}
    return type(f"{mutant.__name__}In{genuine.__name__}", (genuine,), attributes)
