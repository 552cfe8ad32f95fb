"""Which exit code tells a script what went wrong?"""

from __future__ import annotations

from enum import IntEnum

from voicecall.errors import (
    CallNotFound,
    CarrierError,
    ConfigError,
    EntryNotFound,
    ExposureError,
    GatewayAuthFailed,
    GatewayRefused,
    GatewayUnreachable,
    InvalidRequest,
    PluginError,
    PortInUse,
    SpeechError,
    VoicecallError,
)


class Exit(IntEnum):
    """Every exit code."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    AUTHENTICATION = 5
    REFUSED = 6
    PROVIDER = 7
    CALL_FAILED = 8
    TIMEOUT = 9
    NOT_FOUND = 10
    INTERRUPTED = 130


class UsageError(VoicecallError):
    """The command line cannot be understood."""


_BY_KIND = {
    "invalid": Exit.USAGE,
    "conflict": Exit.USAGE,
    "not-found": Exit.NOT_FOUND,
    "state": Exit.CALL_FAILED,
    "policy": Exit.REFUSED,
    "capacity": Exit.REFUSED,
    "draining": Exit.REFUSED,
    "timeout": Exit.TIMEOUT,
    "capability": Exit.CONFIG,
    "config": Exit.CONFIG,
    "provider": Exit.PROVIDER,
    "speech": Exit.PROVIDER,
}

_BY_TYPE: tuple[tuple[type[VoicecallError], Exit], ...] = (
    (UsageError, Exit.USAGE),
    (InvalidRequest, Exit.USAGE),
    (CallNotFound, Exit.NOT_FOUND),
    (EntryNotFound, Exit.NOT_FOUND),
    (ConfigError, Exit.CONFIG),
    (PluginError, Exit.CONFIG),
    (PortInUse, Exit.CONFIG),
    (GatewayUnreachable, Exit.UNREACHABLE),
    (GatewayAuthFailed, Exit.AUTHENTICATION),
    (CarrierError, Exit.PROVIDER),
    (ExposureError, Exit.PROVIDER),
    (SpeechError, Exit.PROVIDER),
)

_SUCCESSFUL_ENDS = frozenset({"completed", "hangup-user", "hangup-bot", "voicemail"})
"""As `voicecall.model.call.SUCCESSFUL_ENDS`, without importing it."""


def exit_of_error(error: VoicecallError) -> Exit:
    """The code for a command that failed with `error`."""
    if isinstance(error, GatewayRefused):
        return _BY_KIND.get(str(error.details.get("kind")), Exit.INTERNAL)
    return next((code for kind, code in _BY_TYPE if isinstance(error, kind)), Exit.INTERNAL)


def exit_of_call(state: str) -> Exit:
    """The code for a call that ended in `state`."""
    if state == "timeout":
        return Exit.TIMEOUT
    return Exit.OK if state in _SUCCESSFUL_ENDS else Exit.CALL_FAILED
