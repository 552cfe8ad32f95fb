"""What a phone carrier's plugin implements."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from voicecall.errors import CapabilityMissing
from voicecall.model.call import Direction
from voicecall.model.carrier_events import CarrierEvent, EndCause, EndedBy
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.model.instructions import Instruction
from voicecall.model.media import AudioFormat, MediaCommand, MediaEvent, StreamOpening
from voicecall.model.webhook import HttpReply, VerifiedWebhook, WebhookRequest
from voicecall.sdk.clock import Clock
from voicecall.sdk.http import HttpClient
from voicecall.sdk.stt import SttBackend
from voicecall.sdk.tts import TtsBackend


class Capability(StrEnum):
    """What a provider can do. What it does not declare raises `CapabilityMissing`."""

    INBOUND = "inbound"
    MEDIA_STREAMS = "media-streams"
    NATIVE_SPEECH = "native-speech"
    NATIVE_LISTENING = "native-listening"
    SEND_DIGITS = "send-digits"
    TRANSFER = "transfer"
    MACHINE_DETECTION = "machine-detection"


class CallbackUrls(Protocol):
    """The carrier-facing URLs of this gateway."""

    def webhook(self, hook: str = "", **query: str) -> str:
        """Where the carrier posts to.

        Args:
            hook: a name behind the webhook path, for example ``status``; comes back as
                `WebhookRequest.hook`. ASCII letters, digits, ``-`` and ``/``.
            query: added to the URL, escaped; comes back in `WebhookRequest.query`.
        """
        ...

    def stream(self, token: str) -> str:
        """The URL of a media stream, ``wss:`` (``ws:`` on loopback); it ends in `token`."""
        ...


class SpeechBackends(Protocol):
    """Opens installed speech backends by name, for networks that simulate people."""

    def tts(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[TtsBackend]:
        """The TTS backend `name`, None: the installed offline one, configured by `options`."""
        ...

    def stt(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[SttBackend]:
        """The STT backend `name`, None: the installed offline one, configured by `options`."""
        ...

    def stt_format(self, name: str | None) -> AudioFormat:
        """What the STT backend `name` is fed (`SttSpec.input_format`)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext:
    """What the kernel lends to a provider while it is open.

    `clock.wall()` is the time for what a provider signs itself, such as a token; never the
    machine's own.
    """

    urls: CallbackUrls
    http: HttpClient
    clock: Clock
    logger: logging.Logger
    state_dir: Path
    from_number: str | None
    speech: SpeechBackends


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """One outbound call to be placed.

    `secret` is random and belongs in every callback URL of the call, beside `call_id`
    (`CarrierEvent.call_secret`). Durations are call seconds; both limits must be handed to
    the carrier. `from_number` None: the configured one (`ProviderContext.from_number`).
    `dtmf_sequence` is written as `SendDigits` is, and pressed once the call is answered; a
    provider that does not declare `SEND_DIGITS` has none pressed. `detect_machine` asks for
    answering-machine detection where it is declared, and is passed over where it is not;
    `await_beep` too: a message will be left, so the end of the machine's greeting matters
    (`MachineResult.BEEP`).
    """

    call_id: CallId
    secret: str
    to_number: str
    from_number: str | None
    ring_timeout_seconds: float
    max_duration_seconds: float
    dtmf_sequence: str | None = None
    detect_machine: bool = False
    await_beep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierCall:
    """A call as a provider needs to know it to act on it."""

    call_id: CallId
    carrier_call_id: CarrierCallId | None
    secret: str
    direction: Direction
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """The carrier says that the call is up; `answered` when it tells."""

    answered: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The carrier says that the call is over."""

    cause: EndCause
    ended_by: EndedBy = EndedBy.UNKNOWN
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """The carrier cannot be asked, or does not tell. Timers decide."""


CarrierCallStatus = Live | Ended | Unknown


class Severity(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of `setup` and `doctor`; `remedy` says what to do about it."""

    severity: Severity
    subject: str
    message: str
    remedy: str | None = None


class MediaProtocol(ABC):
    """Frames of one media stream, sans-IO: no clock, no socket. One object a stream."""

    @abstractmethod
    def receive(self, frame: str | bytes) -> Sequence[MediaEvent]:
        """What a frame from the carrier says.

        The first frames must give `MediaStarted`. A frame that cannot be read gives
        `MediaFault`; it never raises.
        """

    @abstractmethod
    def send(self, command: MediaCommand) -> Sequence[str | bytes]:
        """The frames that carry `command`; text frames as str. Valid after `MediaStarted`."""


class CallProvider(ABC):
    """A carrier. Pure: `verify`, `parse`, `reply`, `media`. Async: its REST API."""

    @abstractmethod
    def verify(self, request: WebhookRequest) -> VerifiedWebhook:
        """Check the signature over the raw request.

        Compare in constant time. `replay_key` must be equal for a repeated delivery.

        Raises:
            SignatureInvalid: no signature, a wrong one, or more than one where one belongs.
            WebhookStale: outside the vendor's time window.
        """

    @abstractmethod
    def parse(self, webhook: VerifiedWebhook) -> Sequence[CarrierEvent]:
        """What the webhook says, in order. A kind without use for us is an `UnknownEvent`.

        Raises:
            WebhookMalformed: required fields are missing or unreadable.
        """

    @abstractmethod
    def reply(self, webhook: VerifiedWebhook, instructions: Sequence[Instruction]) -> HttpReply:
        """The answer to a webhook: a document with `instructions`, or a bare 200.

        Called with instructions only when an event of the webhook `wants_instructions`. With
        none for such a webhook the answer must keep the call alive: what takes time to decide is
        not waited for, and comes by `command`, in place of this answer.
        """

    def apology(self, webhook: VerifiedWebhook) -> HttpReply | None:
        """The answer when nothing can be done or stored and the carrier will not try again.

        A document carrier tells it from the URL that it fetches last (a fall-back hook), and
        says a sentence before it hangs up. None: the carrier tries again, so it is told 503.
        """
        return None

    def claim(self, request: WebhookRequest) -> tuple[CallId, str] | None:
        """The call that the URL of `request` names, and the secret of that call in it.

        Asked only about a request whose signature matches no URL, with a tunnel for development
        that hides the URL which was signed. None: this carrier has no such exception.
        """
        return None

    async def follow(self, former: str) -> Sequence[Finding]:
        """The carrier-facing webhook URL was `former`, and is another now (`ProviderContext.urls`).

        Where the carrier keeps exactly `former`, or what lies under it, for calls that come in,
        it is made to keep the new one; nothing else is touched. Commands and orders to come
        carry the new URL anyhow. Findings say what was changed, and what a person must change.

        Raises:
            CarrierError: the carrier could not be asked.
        """
        return ()

    def renewal(self, config: Any) -> Callable[[], None] | None:
        """What puts the secrets of `config` into force, where nothing else of it is new.

        A reload asks for it, and calls what it is given once all the rest is in force; that must
        neither wait nor fail. From then on requests carry the new secrets, and what the carrier
        signed with the former ones passes for `FORMER_SECONDS` more (`Rotating`).

        Returns:
            None: only a restart can.

        Raises:
            ConfigError: they cannot be used.
        """
        return None

    @abstractmethod
    async def place_call(self, order: CallOrder) -> CarrierCallId:
        """Dial.

        Returns:
            The carrier's id, or the id by which it accepts questions until it gives a call id.

        Raises:
            CarrierError: it was not dialled, or (`CarrierUnreachable`) nobody knows.
        """

    @abstractmethod
    async def command(self, call: CarrierCall, instructions: Sequence[Instruction]) -> None:
        """Carry out `instructions` on a live call, in order, as one delivery.

        Replaces what the call is doing now. Returns when the carrier accepted them.

        Raises:
            CapabilityMissing: before any request, for an undeclared capability.
            CarrierCallGone: the call has ended.
            CarrierError: otherwise.
        """

    @abstractmethod
    async def hang_up(self, call: CarrierCall) -> None:
        """End the call, in whatever state; a call that is gone already is success.

        Raises:
            CarrierError: the carrier could not be told.
        """

    @abstractmethod
    async def status(self, call: CarrierCall) -> CarrierCallStatus:
        """Ask the carrier about a call; asked after a restart and when a stream is lost.

        Raises:
            CarrierError: it could not be asked.
        """

    def verify_stream(self, opening: StreamOpening) -> None:
        """Check the signature of a media socket's handshake, where the carrier signs it.

        Called before the socket is accepted; its one-time token is good already. A carrier
        that signs no handshake leaves this as it is.

        Raises:
            SignatureInvalid: no signature, or a wrong one; the handshake is refused.
        """
        return

    def media(self, opening: StreamOpening) -> MediaProtocol:
        """The framing of a media stream that was admitted.

        Raises:
            CapabilityMissing: media streams are not declared.
        """
        raise CapabilityMissing(Capability.MEDIA_STREAMS, plugin=type(self).__name__)

    async def check(self) -> Sequence[Finding]:
        """Read-only findings for `setup` and `doctor`: credentials, numbers, callback URLs."""
        return ()
