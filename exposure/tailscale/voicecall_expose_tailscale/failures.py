"""What does a call's answer mean when it is no success, and what is to be done about it?

Source of the texts: https://github.com/tailscale/tailscale, cmd/tailscale/cli/serve_v2.go and
ipn/serve.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from voicecall.sdk import ExposureError
from voicecall_expose_tailscale.cli import Result

ENABLE = re.compile(r"https://login\.tailscale\.com/[^\s\"'<>]+")
LONGEST_REASON = 200
_ADMIN = "https://login.tailscale.com/admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """`pattern` in what it said → why that is, and what to do."""

    pattern: str
    reason: str
    remedy: str


_KNOWN = (
    _Known(
        pattern="HTTPS must be enabled",
        reason="HTTPS certificates are not enabled in this Tailscale network",
        remedy=f"enable them at {_ADMIN}/dns (https://tailscale.com/s/https)",
    ),
    _Known(
        pattern='"funnel" node attribute not set',
        reason="the access policy of this Tailscale network does not allow Funnel on this machine",
        remedy='give it the node attribute "funnel" (https://tailscale.com/s/no-funnel)',
    ),
    _Known(
        pattern="is not allowed for funnel",
        reason="Funnel is not allowed on this port",
        remedy="set tailscale.port to one of 443, 8443 and 10000",
    ),
    _Known(
        pattern="Access denied|serve config denied|permission denied",
        reason="this user may not change what Tailscale serves",
        remedy="run once `sudo tailscale set --operator=$USER`",
    ),
    _Known(
        pattern="Another client is changing|etag mismatch",
        reason="another program keeps changing what Tailscale serves",
        remedy="try again when it has finished",
    ),
    _Known(
        pattern="foreground already exists under this port",
        reason="a `tailscale serve` or `tailscale funnel` in the foreground uses this port",
        remedy="end it, or set tailscale.port to another port",
    ),
    _Known(
        pattern="failed to connect to local (tailscaled|Tailscale)|is Tailscale running",
        reason="the Tailscale daemon does not answer",
        remedy="start it, for example with `sudo systemctl start tailscaled`",
    ),
    _Known(
        pattern="flag provided but not defined|invalid number of arguments",
        reason="this version of tailscale does not know the command line of Serve and Funnel",
        remedy="update it to 1.52 or later",
    ),
)


def is_busy(result: Result) -> bool:
    """Whether another client was quicker, and the same call may succeed now."""
    return result.code != 0 and "Another client is changing" in result.err


def is_nothing(result: Result) -> bool:
    """Whether there was nothing to switch off."""
    return "handler does not exist" in f"{result.err}{result.out}"


def failure(result: Result) -> ExposureError | None:
    """Why the call did not do what it was asked; None when nothing speaks against it."""
    what = " ".join(("tailscale", *result.arguments[:1]))
    enable = ENABLE.search(result.out) or ENABLE.search(result.err)
    if enable is not None:
        return ExposureError(
            "Funnel or HTTPS is not enabled in this Tailscale network",
            remedy=f"open {enable[0]}, enable it, and try again",
        )
    if result.code == 0:
        return None
    said = f"{result.err}\n{result.out}"
    for known in _KNOWN:
        if re.search(known.pattern, said, re.IGNORECASE):
            return ExposureError(f"`{what}`: {known.reason}", remedy=known.remedy)
    if result.code is None:
        return ExposureError(
            f"`{what}` did not end in time",
            remedy="look with `tailscale status` whether Tailscale is well, and try again",
        )
    return ExposureError(
        f"`{what}` failed ({result.code}): {_shortened(said)}",
        remedy="run `tailscale status` and `tailscale serve status` to see why",
    )


def _shortened(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
    plain = "".join(each if each.isprintable() else " " for each in lines[0]).strip()
    return plain if len(plain) <= LONGEST_REASON else f"{plain[:LONGEST_REASON]}…"
