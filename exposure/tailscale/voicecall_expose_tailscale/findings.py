"""What should somebody know before Tailscale makes us reachable? Nothing is changed to find out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import anyio

from voicecall.sdk import ExposureContext, ExposureError, Finding, Severity
from voicecall_expose_tailscale.cli import found
from voicecall_expose_tailscale.daemon import Daemon
from voicecall_expose_tailscale.node import Node, fault
from voicecall_expose_tailscale.plan import Plan, plan
from voicecall_expose_tailscale.plugin import TailscaleConfig
from voicecall_expose_tailscale.record import BY_HAND, GATEWAY, Ledger
from voicecall_expose_tailscale.serving import Serving

CHECK_SECONDS = 12.0
_DNS = "https://login.tailscale.com/admin/dns"


async def findings(config: TailscaleConfig, context: ExposureContext) -> Sequence[Finding]:
    """Whether the program is there and logged in, may serve, and the port is free of others."""
    try:
        wanted, program = plan(config, context), found(config.binary)
        daemon = Daemon(program)
        with anyio.fail_after(CHECK_SECONDS):
            node, serving = await daemon.node(), await daemon.serving()
        if error := fault(node):
            raise error
    except ExposureError as error:
        return (finding(Severity.ERROR, error.reason, error.remedy),)
    except TimeoutError:
        message = f"Tailscale did not answer within {CHECK_SECONDS:g} s"
        return (finding(Severity.ERROR, message, "look with `tailscale status`"),)
    faults = [*_rights(wanted, node), *_neighbours(wanted, serving, context)]
    if any(each.severity is Severity.ERROR for each in faults):
        return faults
    whom = "everybody" if wanted.funnel else "your Tailscale network"
    url = f"https://{wanted.authority(node.host)}{wanted.webhook}"
    version = node.version.partition("-")[0] or "of an unknown version"
    told = f"{program} {version} is logged in; {url} is for {whom}"
    return [finding(Severity.OK, told), *faults]


def finding(severity: Severity, message: str, remedy: str | None = None) -> Finding:
    """One about Tailscale."""
    return Finding(severity=severity, subject="tailscale", message=message, remedy=remedy)


def _rights(wanted: Plan, node: Node) -> Iterator[Finding]:
    if not node.may("https"):
        yield finding(
            Severity.ERROR,
            "HTTPS certificates are not enabled in this Tailscale network",
            f"enable them at {_DNS} (https://tailscale.com/s/https)",
        )
    if wanted.funnel and not node.may("funnel"):
        yield finding(
            Severity.ERROR,
            "the access policy of this Tailscale network does not allow Funnel on this machine",
            'give it the node attribute "funnel" (https://tailscale.com/s/no-funnel)',
        )
    elif wanted.funnel and not node.may_funnel_on(wanted.port):
        yield finding(
            Severity.ERROR,
            f"this Tailscale network does not allow Funnel on port {wanted.port}",
            "set tailscale.port to another one of 443, 8443 and 10000",
        )
    if not wanted.funnel:
        yield finding(
            Severity.WARNING,
            "carriers do not reach what is served within your Tailscale network only",
            "set tailscale.mode to funnel for calls from the telephone network",
        )


def _neighbours(wanted: Plan, serving: Serving, context: ExposureContext) -> Iterator[Finding]:
    gateways, by_hand = (
        Ledger(context.state_dir, name).read().mounts for name in (GATEWAY, BY_HAND)
    )
    for other in serving.others(wanted.port, gateways | by_hand):
        yield finding(
            Severity.ERROR,
            f"port {wanted.port} of Tailscale has somebody else's {other}",
            "set tailscale.port to another port, or take it away (`tailscale serve status`)",
        )
    for mount in sorted((gateways - by_hand) & serving.mounts):
        if mount not in wanted.mounts(mount.host) or mount.port != wanted.port:
            yield finding(
                Severity.WARNING,
                f"{mount} was left by a gateway that ended without a farewell",
                "the next start of the gateway takes it away",
            )
    for mount in sorted(by_hand & serving.mounts):
        yield finding(
            Severity.OK,
            f"{mount} was exposed by hand; `voicecall expose --mode off` takes it away",
        )
