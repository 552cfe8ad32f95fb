"""What does an author write to have a provider proved? The carrier, played in a few methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import ClassVar
from urllib.parse import urlsplit

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import (
    CallbackUrls,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    HttpReply,
    Instruction,
    MediaCommand,
    MediaEvent,
    ProviderSpec,
    WebhookRequest,
)
from voicecall_conformance.vendor import RestAnswer, RestRequest


class Failure(StrEnum):
    """A way in which a carrier refuses to work."""

    CREDENTIALS = "credentials"
    """It does not know who we are."""
    RATE = "rate"
    """We ask too often."""
    REFUSED = "refused"
    """It understood, and will not."""
    BROKEN = "broken"
    """It fails itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """The carrier was told to dial; `callbacks` are all the URLs that it was given."""

    carrier_call_id: CarrierCallId
    to_number: str
    ring_timeout_seconds: float | None
    max_duration_seconds: float | None
    callbacks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """The carrier was told what to do with a call, in one request."""

    carrier_call_id: CarrierCallId
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The carrier was told to end a call."""

    carrier_call_id: CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The carrier was asked about a call."""

    carrier_call_id: CarrierCallId


LedgerEntry = Dialled | Commanded | HungUp | Asked


@dataclass(frozen=True, slots=True)
class Deviation:
    """A rule that a provider cannot keep, and why; the test is then expected to fail."""

    reason: str


class ProviderHarness(ABC):
    """The carrier of one provider: it signs webhooks, answers REST, and speaks media frames.

    A new one is made for every test. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance"]
        acme = "voicecall_acme.testing:AcmeHarness"

    Args:
        key: what the carrier signs with; any text makes another, valid key.
    """

    name: ClassVar[str]
    """The provider, as the configuration writes it."""
    module: ClassVar[str]
    """The plugin module that the entry point names."""
    signs_url: ClassVar[bool] = True
    """Whether the carrier's signature covers the URL."""
    signs_time: ClassVar[bool] = False
    """Whether the carrier's signature covers a time."""
    deviations: ClassVar[Mapping[str, Deviation]] = {}
    """Rules that the provider cannot keep: id → reason."""

    def __init__(self, *, key: str = "the-genuine-key") -> None:
        self.key = key
        self.ledger: list[LedgerEntry] = []
        """What the carrier was told, as it understood it; `answer` writes it."""

    def spec(self) -> ProviderSpec:
        """The provider's spec, as the installed plugin gives it.

        Raises:
            PluginError: no plugin of that name is installed, or it is broken.
        """
        return _installed().get(ProviderSpec, self.name)

    def hook(self) -> list[ProviderSpec]:
        """What the plugin module's hook returns."""
        specs: list[ProviderSpec] = import_module(self.module).voicecall_providers()
        return specs

    @abstractmethod
    def config(self, base_url: str) -> Mapping[str, object]:
        """The provider's section, as a file has it, with the carrier's REST API at `base_url`."""

    @abstractmethod
    def webhook(
        self, event: CarrierEvent, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """The signed request by which the carrier reports `event` at time `at`.

        `event.key` names the happening: the same key is the same delivery. `call_id` and
        `call_secret` stand in the callback URL when they are set. An `UnknownEvent` is some
        documented kind of which the provider has no use.

        Returns:
            None when the carrier has no word for it.
        """

    @abstractmethod
    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A signed request that lacks what its kind requires."""

    @abstractmethod
    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """What the carrier takes the answer to a webhook to mean.

        Raises:
            ValueError: the carrier would not accept it.
        """

    @abstractmethod
    def answer(self, request: RestRequest) -> RestAnswer:
        """What the carrier's REST API answers; what it understood goes into `ledger`."""

    @abstractmethod
    def refusal(self, failure: Failure) -> RestAnswer:
        """How the carrier's REST API answers when it will not work."""

    @abstractmethod
    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """From now on this is what the carrier knows about `call`."""

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """The media frames by which the carrier says `event`; all of one stream."""
        raise LookupError(f"{type(self).__name__} has no media frames; override `frames`")

    def hear(self, frame: str | bytes) -> MediaCommand:
        """What the carrier takes a media frame of ours to mean; strict.

        Raises:
            ValueError: the carrier would not accept it.
        """
        raise LookupError(f"{type(self).__name__} hears no media frames; override `hear`")


@cache
def _installed() -> Registry:
    return load_plugins({})


def post(
    url: str,
    *,
    webhook_url: str,
    body: bytes,
    headers: Mapping[str, str],
    at: float,
) -> WebhookRequest:
    """The request that reaches us when a carrier posts `body` to the callback `url`.

    Args:
        url: the callback, as the provider gave it out.
        webhook_url: ``urls.webhook()``, to tell the hook's name from the path.
    """
    parts = urlsplit(url)
    hook = parts.path.removeprefix(urlsplit(webhook_url).path).strip("/")
    return WebhookRequest(
        method="POST",
        url=url,
        hook=hook,
        query_string=parts.query,
        headers=tuple((name.lower(), value) for name, value in headers.items()),
        body=body,
        received_at=at,
        peer="192.0.2.1",
    )
