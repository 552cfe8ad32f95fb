"""What does an author write to have a provider proved? The carrier, played in a few methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk import (
    MAX_AGE_SECONDS,
    MAX_AHEAD_SECONDS,
    CallbackUrls,
    CarrierCallId,
    CarrierCallStatus,
    CarrierEvent,
    HttpReply,
    Instruction,
    MediaCommand,
    MediaEvent,
    MediaMark,
    ProviderSpec,
    StreamOpening,
    WebhookRequest,
)
from voicecall_conformance.ledger import Deviation, Failure, LedgerEntry
from voicecall_conformance.requirements import REQUIREMENTS
from voicecall_conformance.vendor import RestAnswer, RestRequest


class ProviderHarness(ABC):
    """The carrier of one provider: it signs webhooks, answers REST, and speaks media frames.

    A new one is made for every test. Register it so that anybody can run the suite::

        [project.entry-points."voicecall.conformance"]
        acme = "voicecall_acme.testing:AcmeHarness"

    Args:
        key: what the carrier signs with; any text of 32 bytes or more makes another, valid key.
    """

    name: ClassVar[str]
    """The provider, as the configuration writes it."""
    module: ClassVar[str]
    """The plugin module that the entry point names."""
    signs_url: ClassVar[bool] = True
    """Whether the carrier's signature covers the URL. Where it does not, anybody can change the
    query on the way: nothing of it may enter `replay_key`, and the ids there are believed only
    because the call's secret stands beside them."""
    signs_port: ClassVar[bool] = True
    """Whether a signature that covers the URL covers its port."""
    signs_time: ClassVar[bool] = False
    """Whether the carrier's signature covers a time."""
    max_age_seconds: ClassVar[float] = MAX_AGE_SECONDS
    """How old a signed time may be at most, where the vendor documents another window."""
    max_ahead_seconds: ClassVar[float] = MAX_AHEAD_SECONDS
    """How far ahead a signed time may be at most."""
    signs_streams: ClassVar[bool] = False
    """Whether the carrier signs the handshake of a media stream; then override `sign_stream`."""
    tells_cause: ClassVar[bool] = True
    """Whether the carrier, asked about a call that has ended, tells why it did."""
    tells_busy: ClassVar[bool] = True
    """Whether a refused caller can be told `busy`; where not, each is refused as `rejected`."""
    offers_elsewhere: ClassVar[bool] = False
    """Whether `webhook` can report a call that was placed elsewhere and points at us."""
    attests: ClassVar[bool] = False
    """Whether the carrier tells how far the caller's number is attested (STIR/SHAKEN)."""
    ring_range: ClassVar[tuple[float, float] | None] = None
    """Shortest and longest ring time that the carrier takes, in seconds."""
    duration_range: ClassVar[tuple[float, float] | None] = None
    """Shortest and longest limit of a call's duration that the carrier takes, in seconds."""
    counters: ClassVar[tuple[str, ...]] = ()
    """Keys of its media frames whose integers the carrier may write as text or as numbers."""
    deviations: ClassVar[Mapping[str, Deviation]] = {}
    """Rules that the provider cannot keep: id → reason."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a deviation from a rule that there is not.

        Raises:
            TypeError: it names no rule.
        """
        super().__init_subclass__(**kwargs)
        odd = sorted(set(cls.deviations) - set(REQUIREMENTS))
        if odd:
            raise TypeError(
                f"{cls.__name__} deviates from {', '.join(odd)}, which is no rule; "
                "docs/conformance.md lists them"
            )

    def __init__(self, *, key: str = "the-genuine-key-of-at-least-32-bytes") -> None:
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

        `event.key` names the happening: the same key is the same delivery. Where the carrier
        numbers its reports it is the number; where it does not, make what tells them apart, such
        as a timestamp, of `event.key` and never of `at`, which is when it was signed. `call_id`
        and `call_secret` stand in the callback URL when they are set. An `UnknownEvent` is some
        documented kind of which the provider has no use. `at` is `voicecall_conformance.NOW`,
        except in rules about age.

        Returns:
            None when the carrier has no word for it.
        """

    @abstractmethod
    def malformed(self, *, urls: CallbackUrls, at: float) -> WebhookRequest:
        """A signed request that lacks what its kind requires."""

    @abstractmethod
    def read(self, reply: HttpReply) -> Sequence[Instruction]:
        """What the carrier takes the answer to a webhook to mean.

        It is the answer to the request that the harness made last. A command carrier reads
        nothing, ``()``. A document carrier reads what was asked and not the provider's own tail,
        by which it comes back; a document at whose end the carrier hangs up reads as ``(…,
        HangUp())``, an empty answer that leaves the call to what it has as ``()``, and an answer
        without instructions as the pause that keeps the call up.

        Raises:
            ValueError: the carrier would not accept it.
        """

    @abstractmethod
    def answer(self, request: RestRequest) -> RestAnswer:
        """What the carrier's REST API answers; what it understood goes into `ledger`.

        The provider's clock stands at `voicecall_conformance.NOW` (`context.clock.wall()`), so a
        token that it signs was issued then.
        """

    @abstractmethod
    def refusal(self, failure: Failure) -> RestAnswer:
        """How the carrier's REST API answers when it will not work."""

    @abstractmethod
    def set_status(self, call: CarrierCallId, status: CarrierCallStatus) -> None:
        """From now on this is what the carrier knows about `call`."""

    # -- what single carriers add; the defaults are those of a carrier that has nothing of the kind

    def several(self, request: WebhookRequest, other: WebhookRequest) -> WebhookRequest | None:
        """`request` with its own and `other`'s signature in one header.

        Returns:
            None when the carrier never puts several into one header.
        """
        return None

    def fetches(self, *, urls: CallbackUrls, at: float) -> Sequence[WebhookRequest]:
        """What the carrier fetches from us because of what it was told over REST since it was
        last asked, for a carrier that is given the address of a document."""
        return ()

    def fetched(self, request: WebhookRequest, reply: HttpReply) -> None:
        """The answer to one of `fetches`; what the carrier understood goes into `ledger`.

        Raises:
            ValueError: the carrier would not accept it.
        """
        raise LookupError(f"{type(self).__name__} fetches and does not read; override `fetched`")

    def comes_back(
        self, reply: HttpReply, *, urls: CallbackUrls, at: float
    ) -> WebhookRequest | None:
        """The request by which the carrier asks again once it has done what `reply` says.

        Returns:
            None when nothing in it makes the carrier come back.
        """
        return None

    def fallback(self, *, urls: CallbackUrls, at: float) -> WebhookRequest | None:
        """The request for the document of last resort, when our other answers failed; asked
        after a call was placed, so that the address is known which came with the order.

        Returns:
            None when the carrier has no such thing, or the provider gives it no address.
        """
        return None

    def sign_stream(self, opening: StreamOpening, *, at: float) -> StreamOpening:
        """The handshake of a media stream as the carrier signs it (`signs_streams`)."""
        raise LookupError(f"{type(self).__name__} signs no streams; override `sign_stream`")

    def cleared(self, pending: Sequence[str]) -> Sequence[str | bytes]:
        """What the carrier says when it clears while the marks `pending` were not reached."""
        return [frame for name in pending for frame in self.frames(MediaMark(name=name))]

    def samples(self) -> Path | None:
        """The folder of wire samples in the distribution's source; None where it has none."""
        origin = import_module(self.module).__file__
        folder = Path(origin or "").resolve().parent.parent / "tests" / "samples"
        return folder if folder.is_dir() else None

    def frames(self, event: MediaEvent) -> Sequence[str | bytes]:
        """The media frames by which the carrier says `event`; all of one stream.

        None of them means that the carrier does not say it: one that ends a stream by closing the
        socket gives none for `MediaStopped`. What the carrier only repeats to us, such as a header
        that came with the order to open the stream, is given back as it came (`read`, `answer`).
        """
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
