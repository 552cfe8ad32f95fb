"""Every error that voicecall raises on purpose, in one tree.

::

    VoicecallError
    ├── ConfigError            the configuration cannot be used; carries every problem
    ├── PluginError            a plugin is missing, broken or claimed twice
    ├── CallError              a request about a call cannot be carried out
    │   ├── InvalidRequest     the input is wrong
    │   │   └── KeyConflict    the idempotency key belongs to another request
    │   ├── CallNotFound       nobody knows the call
    │   ├── EntryNotFound      a list has no such number or code
    │   ├── CallStateError     not possible in the state that the call is in
    │   ├── PolicyRefused      policy says no; `reason` is machine-readable
    │   ├── CapacityExceeded   `maxConcurrentCalls` or a queue is full
    │   ├── Draining           the gateway is shutting down
    │   └── TurnTimeout        nobody answered within `transcriptTimeoutMs`
    ├── CapabilityMissing      the selected plugin does not offer this
    ├── CarrierError           the carrier did not do what we asked; `retryable` says what to do
    │   ├── CarrierUnreachable no answer, or not in time
    │   ├── CarrierAuthFailed  it does not accept our credentials
    │   ├── CarrierRateLimited too many requests; `retry_after` seconds when it said so
    │   ├── CarrierRejected    it understood and refused
    │   └── CarrierCallGone    the call has ended or never was
    ├── WebhookError           a webhook is not accepted; `status` is the HTTP status
    │   ├── SignatureInvalid   not signed, or not by the carrier
    │   ├── WebhookStale       signed, but too old or from the future
    │   └── WebhookMalformed   signed, but not what the carrier documents
    ├── MediaError             a media frame or stream is not what was agreed
    ├── SpeechError            a speech backend failed; `retryable` as for carriers
    ├── ResponderError         a responder failed
    ├── StoreError             what happened could not be made durable
    ├── ExposureError          nothing makes us reachable; `remedy` says what to do about it
    ├── PortInUse              somebody else listens where we should
    └── GatewayError           a client could not use the gateway
        ├── GatewayUnreachable nothing listens there, or it does not answer in time
        ├── GatewayAuthFailed  it does not accept our token
        └── GatewayRefused     it answered with an error; `code` and `message` are its own

A message says what, which, and what to do next. It never holds a secret, a whole phone
number or a transcript.
"""

from __future__ import annotations

from collections.abc import Sequence


class VoicecallError(Exception):
    """The root of the tree."""

    @property
    def message(self) -> str:
        """The text for a person; never empty."""
        return str(self) or type(self).__name__


class ConfigError(VoicecallError):
    """The configuration cannot be used.

    Args:
        message: the whole report as text.
        problems: the single problems (`voicecall.config.problems.Problem`), sorted by line.
    """

    def __init__(self, message: str, problems: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class PluginError(VoicecallError):
    """A plugin is missing, broken, or claimed by two distributions."""


class CallError(VoicecallError):
    """A request about a call cannot be carried out."""


class InvalidRequest(CallError):
    """The input is wrong; the message names the field."""


class KeyConflict(InvalidRequest):
    """The idempotency key belongs to another request."""


class CallNotFound(CallError):
    """No live or ended call has this id."""

    def __init__(self, call_id: str) -> None:
        super().__init__("Call not found")
        self.call_id = call_id


class EntryNotFound(CallError):
    """A list has no such number or code."""


class CallStateError(CallError):
    """Not possible in the state that the call is in."""


class PolicyRefused(CallError):
    """Policy says no.

    Args:
        message: for a person.
        reason: machine-readable, for example ``policy.destination``.
    """

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class CapacityExceeded(CallError):
    """A bound is reached: live calls, or utterances queued on one call."""


class Draining(CallError):
    """The gateway is shutting down and admits nothing new."""


class TurnTimeout(CallError):
    """Nobody answered within `transcriptTimeoutMs`."""


class CapabilityMissing(VoicecallError):
    """The selected plugin does not offer this; raised before any network call."""

    def __init__(self, capability: str, *, plugin: str) -> None:
        super().__init__(
            f"{plugin!r} does not offer {capability}; choose a plugin that declares it"
        )
        self.capability = capability
        self.plugin = plugin


class CarrierError(VoicecallError):
    """The carrier did not do what we asked.

    Args:
        message: what was asked, what came back, what to do.
        code: the carrier's own error code, if it gave one.
        retryable: whether the same request may be sent again; decided where the answer was read.
    """

    retryable_by_default = False

    def __init__(
        self, message: str, *, code: str | None = None, retryable: bool | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = self.retryable_by_default if retryable is None else retryable


class CarrierUnreachable(CarrierError):
    """No answer, or not in time: what we asked may or may not have happened."""

    retryable_by_default = True


class CarrierAuthFailed(CarrierError):
    """It does not accept our credentials."""


class CarrierRateLimited(CarrierError):
    """Too many requests."""

    retryable_by_default = True

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class CarrierRejected(CarrierError):
    """It understood and refused."""


class CarrierCallGone(CarrierError):
    """The call has ended or never was; for a hang-up that is success."""


class WebhookError(VoicecallError):
    """A webhook is not accepted."""

    status = 400


class SignatureInvalid(WebhookError):
    """Not signed, or not by the carrier. Carries neither query values nor the expected value."""

    status = 401


class WebhookStale(WebhookError):
    """Signed, but too old or too far in the future."""

    status = 401


class WebhookMalformed(WebhookError):
    """Signed, but not what the carrier documents."""

    status = 400


class MediaError(VoicecallError):
    """A media frame or stream is not what was agreed."""


class SpeechError(VoicecallError):
    """A speech backend failed.

    Args:
        message: which backend, what it said, what to do.
        retryable: whether the same request may be sent again.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class ResponderError(VoicecallError):
    """A responder failed."""


class StoreError(VoicecallError):
    """What happened could not be made durable; nothing was done on the strength of it."""


class ExposureError(VoicecallError):
    """What should make us reachable from outside does not.

    Args:
        message: what happened, without secrets.
        remedy: what to do about it; part of the text.
    """

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.reason = message
        self.remedy = remedy


class PortInUse(VoicecallError):
    """Somebody else listens where we should."""


class GatewayError(VoicecallError):
    """A client could not use the gateway."""


class GatewayUnreachable(GatewayError):
    """Nothing listens there, or it does not answer in time."""


class GatewayAuthFailed(GatewayError):
    """The gateway does not accept our token."""


class GatewayRefused(GatewayError):
    """The gateway answered with an error of its own.

    Args:
        message: the gateway's message.
        code: its code, for example ``INVALID_REQUEST``.
        details: its details object, `{}` when it sent none.
    """

    def __init__(
        self, message: str, *, code: str, details: dict[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.details = details or {}
