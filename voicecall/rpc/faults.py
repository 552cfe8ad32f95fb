"""How does an error look on the wire? `{code, message, details}`, with a kind for programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from voicecall.config.hiding import hiding
from voicecall.errors import (
    CallNotFound,
    CallStateError,
    CapabilityMissing,
    CapacityExceeded,
    CarrierError,
    ConfigError,
    Draining,
    EntryNotFound,
    InvalidRequest,
    KeyConflict,
    PluginError,
    PolicyRefused,
    ResponderError,
    SpeechError,
    StoreError,
    TurnTimeout,
    VoicecallError,
)

INVALID_REQUEST = "INVALID_REQUEST"
UNAVAILABLE = "UNAVAILABLE"

_KINDS: tuple[tuple[type[VoicecallError], str, str], ...] = (
    (KeyConflict, INVALID_REQUEST, "conflict"),
    (InvalidRequest, INVALID_REQUEST, "invalid"),
    (CallNotFound, INVALID_REQUEST, "not-found"),
    (EntryNotFound, INVALID_REQUEST, "not-found"),
    (CallStateError, UNAVAILABLE, "state"),
    (PolicyRefused, UNAVAILABLE, "policy"),
    (CapacityExceeded, UNAVAILABLE, "capacity"),
    (Draining, UNAVAILABLE, "draining"),
    (TurnTimeout, UNAVAILABLE, "timeout"),
    (CapabilityMissing, UNAVAILABLE, "capability"),
    (ConfigError, UNAVAILABLE, "config"),
    (PluginError, UNAVAILABLE, "config"),
    (CarrierError, UNAVAILABLE, "provider"),
    (SpeechError, UNAVAILABLE, "speech"),
    (ResponderError, UNAVAILABLE, "speech"),
    (StoreError, UNAVAILABLE, "store"),
    (VoicecallError, UNAVAILABLE, "internal"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An error as clients get it.

    `details` always has `kind`: ``invalid`` ``conflict`` ``not-found`` ``state`` ``policy`` (with
    `reason`) ``capacity`` ``draining`` ``timeout`` ``capability`` ``config``
    ``provider`` (with `retryable`) ``speech`` ``store`` ``internal``.
    """

    code: str
    message: str
    details: dict[str, object] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The machine-readable kind."""
        return str(self.details["kind"])

    def as_json(self) -> dict[str, object]:
        """The wire form."""
        return {"code": self.code, "message": self.message, "details": self.details}


def fault_of(error: Exception) -> Fault:
    """The fault that tells a client of `error`; strange errors tell nothing of themselves."""
    for kind_type, code, kind in _KINDS:
        if isinstance(error, kind_type):
            message = hiding.secrets(error.message)
            return Fault(code=code, message=message, details=_details(error, kind))
    return Fault(
        code=UNAVAILABLE,
        message="an internal error; the gateway's log has the details",
        details={"kind": "internal"},
    )


def _details(error: VoicecallError, kind: str) -> dict[str, object]:
    details: dict[str, object] = {"kind": kind}
    if isinstance(error, PolicyRefused):
        details["reason"] = error.reason
    if isinstance(error, CarrierError | SpeechError):
        details["retryable"] = error.retryable
    if isinstance(error, CarrierError) and error.code is not None:
        details["carrierCode"] = error.code
    return details
