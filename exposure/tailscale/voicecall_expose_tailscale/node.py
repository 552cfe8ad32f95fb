"""How is this machine in its Tailscale network? Read from `tailscale status --json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from voicecall.sdk import ExposureError

OLDEST = (1, 52)
"""The first version with the command line that we use.

Source: https://tailscale.com/kb/1242/tailscale-serve
"""
_FUNNEL_PORTS = "https://tailscale.com/cap/funnel-ports?ports="


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """This machine.

    Args:
        state: ``Running`` and so on; empty when it is not told.
        host: its name, without the dot at the end; empty when it has none.
        auth_url: where to log in, if that is needed.
        version: of the program.
        capabilities: None when an old version does not tell.
    """

    state: str
    host: str
    auth_url: str
    version: str
    capabilities: frozenset[str] | None

    @property
    def is_young(self) -> bool:
        """Whether the daemon is still starting."""
        return self.state in ("Starting", "NoState", "")

    def may(self, capability: str) -> bool:
        """Whether it has `capability` (https, funnel), as far as is known."""
        return self.capabilities is None or any(
            each == capability or each == f"https://tailscale.com/cap/{capability}"
            for each in self.capabilities
        )

    def may_funnel_on(self, port: int) -> bool:
        """Whether `port` is one for Funnel, as far as is known."""
        told = [
            each.removeprefix(_FUNNEL_PORTS)
            for each in self.capabilities or ()
            if each.startswith(_FUNNEL_PORTS)
        ]
        return not told or any(_holds(part, port) for each in told for part in each.split(","))


def read_node(document: object) -> Node:
    """The machine that `document` is about; what is missing or of another shape is empty."""
    status = document if isinstance(document, Mapping) else {}
    mine = status.get("Self")
    mine = mine if isinstance(mine, Mapping) else {}
    capabilities = mine.get("CapMap")
    return Node(
        state=_text(status, "BackendState"),
        host=_text(mine, "DNSName").removesuffix(".").lower(),
        auth_url=_text(status, "AuthURL"),
        version=_text(status, "Version"),
        capabilities=frozenset(capabilities) if isinstance(capabilities, Mapping) else None,
    )


def fault(node: Node) -> ExposureError | None:
    """Why nothing can be served on `node`; None when it can."""
    log_in = f"open {node.auth_url}, or run `tailscale up`" if node.auth_url else ""
    not_running = {
        "Stopped": ("Tailscale is stopped", "run `tailscale up`"),
        "NeedsLogin": ("nobody is logged in to Tailscale", log_in or "run `tailscale up`"),
        "NeedsMachineAuth": (
            "this machine waits for approval in its Tailscale network",
            "approve it at https://login.tailscale.com/admin/machines",
        ),
        "Starting": ("Tailscale is still starting", "try again in a moment"),
        "NoState": ("the Tailscale daemon has only just started", "try again in a moment"),
    }
    version = re.match(r"(\d+)\.(\d+)", node.version)
    if version and (int(version[1]), int(version[2])) < OLDEST:
        return ExposureError(
            f"tailscale {node.version} is too old", remedy="update it to 1.52 or later"
        )
    if node.state in not_running:
        reason, remedy = not_running[node.state]
        return ExposureError(reason, remedy=remedy)
    if node.state != "Running":
        return ExposureError(
            f"Tailscale is in the state {node.state[:40]!r}", remedy="look with `tailscale status`"
        )
    if not node.host:
        return ExposureError(
            "this machine has no name in its Tailscale network",
            remedy="enable MagicDNS at https://login.tailscale.com/admin/dns",
        )
    return None


def _text(holder: Mapping[str, Any], key: str) -> str:
    found = holder.get(key)
    return found if isinstance(found, str) else ""


def _holds(part: str, port: int) -> bool:
    first, _, last = part.partition("-")
    try:
        return int(first) <= port <= int(last or first)
    except ValueError:
        return False
