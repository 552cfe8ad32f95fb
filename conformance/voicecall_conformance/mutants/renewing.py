"""Which faults does a provider's `renewal` have that the suite must catch?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from voicecall.sdk import (
    CallProvider,
    ProviderSpec,
    SignatureInvalid,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_conformance.mutants.verifying import accepted
from voicecall_conformance.mutants.wrapped import Mutant


class RenewsAtOnceWhenAsked(Mutant):
    """Puts other secrets into force before the rest of a reload has succeeded."""

    breaks = "signature.renewed"

    def renewal(self, config: Any) -> Callable[[], None] | None:
        renew = self.inner.renewal(config)
        if renew is not None:
            renew()
        return renew


class RenewsNothing(Mutant):
    """Takes other secrets and keeps to its own."""

    breaks = "signature.renewed"

    def renewal(self, config: Any) -> Callable[[], None] | None:
        return None if self.inner.renewal(config) is None else lambda: None


class _Remembering(Mutant):
    """Remembers what was genuine before the secrets changed, and since."""

    breaks = "signature.renewed"

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.renewed = False
        self.before: list[WebhookRequest] = []
        self.since: list[WebhookRequest] = []

    def renewal(self, config: Any) -> Callable[[], None] | None:
        renew = self.inner.renewal(config)
        if renew is None:
            return None

        def noting() -> None:
            renew()
            self.renewed = True

        return noting

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        verified = self.inner.verify(request)
        (self.since if self.renewed else self.before).append(request)
        return verified


class DropsTheFormerAtOnce(_Remembering):
    """Refuses what the carrier signed a moment before it learned of its new secrets."""

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        if self.renewed and request in self.before:
            raise SignatureInvalid("signed with secrets of yesterday")
        return super().verify(request)


class KeepsTheFormerForEver(_Remembering):
    """Never lets go of secrets that perhaps were stolen."""

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return accepted(request) if request in self.since else super().verify(request)


MUTANTS: tuple[type[Mutant], ...] = (
    RenewsAtOnceWhenAsked,
    RenewsNothing,
    DropsTheFormerAtOnce,
    KeepsTheFormerForEver,
)
