"""Which cloudflared is used, which ends when we do, and what can be said before?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from voicecall.sdk import ExposureContext, ExposureError, Finding, Severity
from voicecall_expose_cloudflared.agent import Agent
from voicecall_expose_cloudflared.command import Command, command, found
from voicecall_expose_cloudflared.endpoint import CloudflaredEndpoint
from voicecall_expose_cloudflared.plugin import CloudflaredConfig

OURS = "cloudflared"
BY_HAND = "cloudflared-by-hand"
"""Names of markers: of what ends with us, and of what `voicecall expose` leaves running."""
_NOTHING = Command(program="", arguments=())


@asynccontextmanager
async def opened(
    config: CloudflaredConfig, context: ExposureContext
) -> AsyncIterator[CloudflaredEndpoint]:
    """A tunnel that is up: the one opened by hand when it is for the same, else a new one.

    Raises:
        ExposureError: it does not come up.
    """
    call = command(config, context)
    by_hand = Agent(call, context, name=BY_HAND)
    ours = by_hand if context.by_hand else Agent(call, context, name=OURS)
    if not context.by_hand:
        await ours.clear()
    agent = await _up(by_hand, ours)
    try:
        yield CloudflaredEndpoint(agent, ours, context)
    finally:
        if not context.by_hand:
            await ours.clear()


async def _up(by_hand: Agent, ours: Agent) -> Agent:
    if await by_hand.adopt():
        if await by_hand.look():
            return by_hand
    elif ours is by_hand and by_hand.is_alive:
        raise ExposureError(
            "another tunnel was opened by hand and still runs",
            remedy="end it first, with `voicecall expose --mode off`",
        )
    await ours.start()
    return ours


async def removed(config: CloudflaredConfig, context: ExposureContext) -> bool:
    """End what was opened by hand; whether there was anything."""
    return await Agent(_NOTHING, context, name=BY_HAND).clear()


async def cleared(context: ExposureContext) -> bool:
    """End what a gateway that was killed left; whether there was anything.

    Raises:
        ExposureError: that gateway is alive.
    """
    return await Agent(_NOTHING, context, name=OURS).clear()


def findings(config: CloudflaredConfig) -> Sequence[Finding]:
    """Whether the program is there, and what a quick tunnel means."""
    try:
        program = found(config)
    except ExposureError as error:
        return (_finding(Severity.ERROR, error.reason, error.remedy),)
    if config.cloudflared_token is not None:
        message = f"{program} opens a named tunnel for {config.cloudflared_hostname}"
        return (_finding(Severity.OK, message),)
    return (
        _finding(
            Severity.WARNING,
            f"{program} opens a quick tunnel, which has another name at every start and no "
            "promise to stay up",
            "for more than trying out make a named tunnel: tunnel.cloudflaredToken and "
            "tunnel.cloudflaredHostname",
        ),
    )


def _finding(severity: Severity, message: str, remedy: str | None = None) -> Finding:
    return Finding(severity=severity, subject="cloudflared", message=message, remedy=remedy)
