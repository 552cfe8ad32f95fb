"""What does cloudflared say about itself? Read from the lines that it logs to stderr."""

from __future__ import annotations

import re

_METRICS = re.compile(r"metrics server on (\S+?:\d+)")
_HOST = re.compile(r"https://((?!api\.)[a-z0-9.-]+\.trycloudflare\.com)", re.IGNORECASE)
_FAULT = re.compile(r"^(?:\S+ )?(?:ERR|FTL) (.*)$", re.MULTILINE)
_LINE = re.compile(r"^(?:\S+Z [A-Z]{3} )?(.*\S.*)$", re.MULTILINE)
_USAGE = "See 'cloudflared "
"""Begins the line that follows a complaint about how it was called."""
_REGISTERED = "Registered tunnel connection"
LONGEST_REASON = 200


def metrics_address(log: str) -> str | None:
    """``127.0.0.1:PORT`` of its metrics server."""
    match = _METRICS.search(log)
    return match[1] if match else None


def quick_host(log: str) -> str | None:
    """The name of a quick tunnel, which it prints in a box."""
    match = _HOST.search(log)
    return match[1].lower() if match else None


def is_registered(log: str) -> bool:
    """Whether a connection to Cloudflare was made."""
    return _REGISTERED in log


def reason(log: str, *secrets: str) -> str:
    """Its last complaint, or else its last line; short, printable, and without `secrets`."""
    for secret in secrets:
        log = log.replace(secret, "***")
    lines = [line for line in _LINE.findall(log) if not line.startswith(_USAGE)]
    complaints = _FAULT.findall(log) or lines
    last = complaints[-1] if complaints else "it said nothing"
    plain = "".join(each if each.isprintable() else " " for each in last).strip()
    return plain if len(plain) <= LONGEST_REASON else f"{plain[:LONGEST_REASON]}…"
