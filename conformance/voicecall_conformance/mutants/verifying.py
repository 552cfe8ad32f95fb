"""Which faults does a provider's `verify` have that the suite must catch?"""

from __future__ import annotations

import hashlib
import uuid
from abc import abstractmethod
from dataclasses import replace

from voicecall.sdk import (
    CallProvider,
    ProviderSpec,
    SignatureInvalid,
    VerifiedWebhook,
    WebhookRequest,
    WebhookStale,
)
from voicecall_conformance.mutants.wrapped import Mutant


def accepted(request: WebhookRequest) -> VerifiedWebhook:
    """What `verify` gives, without verifying."""
    return VerifiedWebhook(request=request, replay_key=hashlib.sha256(request.body).hexdigest())


class Credulous(Mutant):
    """Accepts what `excuses` says, where the genuine provider refuses."""

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.genuine: list[WebhookRequest] = []

    @abstractmethod
    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        """Whether the fault lets `request` pass."""

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        try:
            verified = self.inner.verify(request)
        except (SignatureInvalid, WebhookStale) as error:
            if self.excuses(request, error):
                return accepted(request)
            raise
        self.genuine.append(request)
        return verified


class RefusesLongText(Mutant):
    """Verifies as much of the body as fits its buffer."""

    breaks = "signature.genuine"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        if len(request.body) > 2000:
            raise SignatureInvalid("does not fit")
        return self.inner.verify(request)


class AcceptsUnsigned(Credulous):
    """Verifies only when there is something to verify."""

    breaks = "signature.missing"

    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        return not any(request.header_values(self.spec.signature_header))


class TakesFirstSignature(Mutant):
    """Reads the first of two signature headers."""

    breaks = "signature.repeated"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return self.inner.verify(replace(request, headers=tuple(dict(request.headers).items())))


class AcceptsAnyKey(Credulous):
    """Checks that there is a signature, and not whose."""

    breaks = "signature.key"

    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        signed = request.header(self.spec.signature_header)
        return bool(signed) and any(
            signed != genuine.header(self.spec.signature_header)
            and (request.url, request.body) == (genuine.url, genuine.body)
            for genuine in self.genuine
        )


class IgnoresBody(Credulous):
    """Verifies everything but the body."""

    breaks = "signature.body"

    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        return any(replace(request, body=each.body) == each for each in self.genuine)


class IgnoresUrl(Credulous):
    """Verifies everything but the URL."""

    breaks = "signature.url"

    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        return any(
            replace(request, url=each.url, query_string=each.query_string) == each
            for each in self.genuine
        )


class KnowsOneUrl(Mutant):
    """Never looks at alternative URLs."""

    breaks = "signature.alternatives"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return self.inner.verify(replace(request, alternative_urls=()))


class LivesInThePast(Mutant):
    """Judges no age where it should, or makes up a window where none is signed."""

    breaks = "signature.window"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        try:
            return self.inner.verify(request)
        except WebhookStale:
            return accepted(request)


class Talks(Mutant):
    """Shows in its refusal what it compared."""

    breaks = "signature.silent"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        try:
            return self.inner.verify(request)
        except SignatureInvalid as error:
            given = request.header(self.spec.signature_header)
            raise SignatureInvalid(f"{error}: {given} for {request.url}") from error


class ForgetsDeliveries(Mutant):
    """Makes up a new replay key each time."""

    breaks = "replay.same"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return replace(self.inner.verify(request), replay_key=str(uuid.uuid4()))


class ConfusesDeliveries(Mutant):
    """Takes the address for the delivery."""

    breaks = "replay.distinct"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return replace(self.inner.verify(request), replay_key=request.url)


class TrustsHeaders(Mutant):
    """Lets headers that nobody signed into the replay key."""

    breaks = "replay.unsigned"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        key = f"{request.headers}{request.body!r}"
        return replace(self.inner.verify(request), replay_key=key)


MUTANTS: tuple[type[Mutant], ...] = (
    RefusesLongText,
    AcceptsUnsigned,
    TakesFirstSignature,
    AcceptsAnyKey,
    IgnoresBody,
    IgnoresUrl,
    KnowsOneUrl,
    LivesInThePast,
    Talks,
    ForgetsDeliveries,
    ConfusesDeliveries,
    TrustsHeaders,
)
