"""How far has an agent come? Read from the lines that it logs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from pyngrok.log import NgrokLog

from voicecall_expose_ngrok import faults

_ADDRESS = re.compile(r"\[?([0-9a-fA-F:.]+)\]?:\d+")
_CONNECTED = ("client session established", "tunnel session started")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a log tells: the API's address when it is served, whether ngrok's service has let the
    agent in, and what it complained about last."""

    api: str | None
    connected: bool
    complaint: str

    @property
    def is_final(self) -> bool:
        """Whether ngrok has refused, with an error of its own that waiting does not change."""
        return not self.connected and faults.has_code(self.complaint)


def heard(log: str) -> Said:
    """What `log` tells."""
    lines = [_read(line) for line in log.splitlines() if line.strip()]
    api = None
    for line in lines:
        if "starting web service" in (line.msg or "") and _is_here(line.addr):
            api = f"http://{line.addr}"
    connected = any(line.msg and line.msg.startswith(_CONNECTED) for line in lines)
    return Said(api=api, connected=connected, complaint=_complaint(lines))


def _read(line: str) -> NgrokLog:
    try:
        return NgrokLog(line)
    except TypeError:
        # pyngrok sets an attribute for every key=value, and a request's may be __class__.
        return NgrokLog(line.replace("=", " "))


def _complaint(lines: Sequence[NgrokLog]) -> str:
    """The last line in which ngrok names an error; else the last one that is an error; else the
    last."""
    named = [line.line for line in lines if faults.has_code(line.line)]
    errors = [
        line.err or line.msg or line.line for line in lines if line.lvl in ("ERROR", "CRITICAL")
    ]
    return (named or errors or [line.line for line in lines] or [""])[-1]


def _is_here(address: str | None) -> bool:
    """Whether it is an address of this machine, so that nobody else is told anything."""
    match = _ADDRESS.fullmatch(address or "")
    try:
        return match is not None and ip_address(match[1]).is_loopback
    except ValueError:
        return False
