"""Which faults does a provider's `verify` have that the suite must catch?"""

from __future__ import annotations

import hashlib
import uuid
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from voicecall.sdk import (
    MAX_AGE_SECONDS,
    CallbackUrls,
    CallProvider,
    CarrierCallId,
    CarrierEvent,
    HttpReply,
    InstructionsWanted,
    ProviderSpec,
    SignatureInvalid,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
    WebhookStale,
)
from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants.wrapped import Mutant

SHORTEST_SIGNATURE = 20


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
            request.headers != genuine.headers
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

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.signs_url

    def excuses(self, request: WebhookRequest, error: Exception) -> bool:
        return any(
            replace(request, url=each.url, query_string=each.query_string) == each
            for each in self.genuine
        )


class KnowsOneUrl(Mutant):
    """Never looks at alternative URLs."""

    breaks = "signature.alternatives"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.signs_url

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        return self.inner.verify(replace(request, alternative_urls=()))


class InsistsOnOneUrl(Mutant):
    """Refuses another URL where the carrier signs none."""

    breaks = "signature.url"

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.urls: dict[bytes, str] = {}

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return not genuine.signs_url

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        address = _address(request)
        if address != self.urls.setdefault(request.body, address):
            raise SignatureInvalid("for another URL")
        return self.inner.verify(request)


class LivesInThePast(Mutant):
    """Judges no age where it should."""

    breaks = "signature.window"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return genuine.signs_time

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        try:
            return self.inner.verify(request)
        except WebhookStale:
            return accepted(request)


class MakesUpAWindow(Mutant):
    """Judges an age that nobody signed."""

    breaks = "signature.window"

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.first: float | None = None

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return not genuine.signs_time

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        self.first = self.first or request.received_at
        if abs(request.received_at - self.first) > MAX_AGE_SECONDS:
            raise WebhookStale("too old")
        return self.inner.verify(request)


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
        return replace(self.inner.verify(request), replay_key=_address(request))


class TrustsHeaders(Mutant):
    """Lets headers that nobody signed into the replay key."""

    breaks = "replay.unsigned"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        key = f"{request.headers}{request.body!r}"
        return replace(self.inner.verify(request), replay_key=key)


class TrustsTheQuery(Mutant):
    """Lets the query of an unsigned URL into the replay key."""

    breaks = "replay.unsigned"

    @classmethod
    def fits(cls, genuine: ProviderHarness) -> bool:
        return not genuine.signs_url

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        verified = self.inner.verify(request)
        return replace(verified, replay_key=f"{verified.replay_key}{request.query_string}")


class ChokesOnJunk(Mutant):
    """Compares without looking at what it was given."""

    breaks = "signature.junk"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        for value in request.header_values(self.spec.signature_header):
            value.encode("ascii")
        return self.inner.verify(request)


class ReadsOneSignature(Mutant):
    """Takes only the first of several signatures in a header."""

    breaks = "signature.several"

    def __init__(self, inner: CallProvider, spec: ProviderSpec) -> None:
        super().__init__(inner, spec)
        self.first: dict[str, str] = {}

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        verified = self.inner.verify(request)
        given = dict(request.headers)
        self.first = self.first or given
        for name, value in given.items():
            if len(value) >= 1.5 * max(len(self.first.get(name, value)), SHORTEST_SIGNATURE):
                raise SignatureInvalid("more than a signature")
        return verified


class TakesWaitingForRepetition(Mutant):
    """Knows a delivery by the call alone, when the carrier asks for more."""

    breaks = "replay.asks-again"

    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        verified = self.inner.verify(request)
        events: Sequence[CarrierEvent] = ()
        with suppress(WebhookMalformed):
            events = self.inner.parse(verified)
        asks = events and all(isinstance(event, InstructionsWanted) for event in events)
        return replace(verified, replay_key="waiting") if asks else verified

    @classmethod
    def attributes(cls, genuine: type[ProviderHarness]) -> dict[str, Any]:
        return {"comes_back": _asking} if _stays_away(genuine) else {}


def _stays_away(genuine: type[ProviderHarness]) -> bool:
    return genuine.comes_back is ProviderHarness.comes_back


def _asking(
    harness: ProviderHarness, reply: HttpReply, *, urls: CallbackUrls, at: float
) -> WebhookRequest | None:
    event = InstructionsWanted(key="asks", carrier_call_id=CarrierCallId("CA1"))
    return harness.webhook(event, urls=urls, at=at)


MUTANTS: tuple[type[Mutant], ...] = (
    RefusesLongText,
    AcceptsUnsigned,
    TakesFirstSignature,
    AcceptsAnyKey,
    IgnoresBody,
    IgnoresUrl,
    InsistsOnOneUrl,
    KnowsOneUrl,
    LivesInThePast,
    MakesUpAWindow,
    Talks,
    ForgetsDeliveries,
    ConfusesDeliveries,
    TrustsHeaders,
    TrustsTheQuery,
    ChokesOnJunk,
    ReadsOneSignature,
    TakesWaitingForRepetition,
)


def _address(request: WebhookRequest) -> str:
    return request.url.partition("?")[0]
