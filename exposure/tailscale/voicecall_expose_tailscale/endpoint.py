"""Where do carriers reach us through Tailscale, and does it still stand?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import anyio

from voicecall.sdk import ExposureContext, ExposureError, Finding, PublicEndpoint, Severity
from voicecall_expose_tailscale.cli import found
from voicecall_expose_tailscale.daemon import Daemon
from voicecall_expose_tailscale.findings import finding
from voicecall_expose_tailscale.mounting import Mounting
from voicecall_expose_tailscale.plan import Plan, plan
from voicecall_expose_tailscale.plugin import TailscaleConfig
from voicecall_expose_tailscale.record import BY_HAND, GATEWAY, Ledger
from voicecall_expose_tailscale.serving import Mount

OPEN_SECONDS = 19.0
"""Real seconds for looking, clearing up and putting up; also for removing."""
REFRESH_SECONDS = 9.0
CLOSE_SECONDS = 9.0


class TailscaleEndpoint(PublicEndpoint):
    """Two mounts.

    Args:
        daemon: that serves them.
        mounting: that looks after them.
        plan: what they are.
        host: the name of this machine.
    """

    def __init__(self, daemon: Daemon, mounting: Mounting, plan: Plan, host: str) -> None:
        self._daemon = daemon
        self._mounting = mounting
        self._plan = plan
        self._host = host

    @property
    def webhook_url(self) -> str:
        """The configured path on this machine's name."""
        return f"https://{self._plan.authority(self._host)}{self._plan.webhook}"

    @property
    def stream_url(self) -> str:
        """The stream path beside it."""
        return f"wss://{self._plan.authority(self._host)}{self._plan.stream}"

    async def refresh(self) -> None:
        """Look after the mounts and the machine's name, and put up again what is missing.

        Raises:
            ExposureError: Tailscale does not run or answer, or the port is not ours alone.
        """
        with _limited(REFRESH_SECONDS, "looking after it"):
            node = await self._daemon.running_node()
            await self._mounting.put_up(self._plan, node)
            self._host = node.host

    async def check(self) -> Sequence[Finding]:
        """Which URL is served."""
        whom = "everybody" if self._plan.funnel else "your Tailscale network"
        return (finding(Severity.OK, f"{self.webhook_url} is served to {whom}"),)


@asynccontextmanager
async def opened(
    config: TailscaleConfig, context: ExposureContext
) -> AsyncIterator[TailscaleEndpoint]:
    """Both mounts, up for the block; those that were made by hand stay.

    Raises:
        ExposureError: they cannot be put up.
    """
    wanted, daemon = plan(config, context), Daemon(found(config.binary))
    mounting = Mounting(daemon, context)
    keep = mounting.mounts if context.by_hand else ()
    try:
        with _limited(OPEN_SECONDS, "opening it"):
            node = await daemon.running_node()
            if not context.by_hand:
                await mounting.take_down()
            await mounting.put_up(wanted, node)
    except BaseException:
        await _closed(mounting, context, keep)
        raise
    try:
        yield TailscaleEndpoint(daemon, mounting, wanted, node.host)
    finally:
        if not context.by_hand:
            await _closed(mounting, context)


async def removed(config: TailscaleConfig, context: ExposureContext) -> bool:
    """Take away what was made by hand; whether there was anything.

    Raises:
        ExposureError: it was refused.
    """
    if not Ledger(context.state_dir, BY_HAND).read().made:
        return False
    return await _taken_down(config, replace(context, by_hand=True))


async def cleared(config: TailscaleConfig, context: ExposureContext) -> bool:
    """Take away what a gateway that was killed left; whether there was anything.

    Raises:
        ExposureError: it was refused.
    """
    if not Ledger(context.state_dir, GATEWAY).read().made:
        return False
    return await _taken_down(config, replace(context, by_hand=False))


async def _taken_down(config: TailscaleConfig, context: ExposureContext) -> bool:
    mounting = Mounting(Daemon(found(config.binary)), context)
    with _limited(OPEN_SECONDS, "removing it"):
        return await mounting.take_down()


async def _closed(
    mounting: Mounting, context: ExposureContext, keep: Collection[Mount] = ()
) -> None:
    """Take away ours, also when we are cancelled; what cannot be is left to the next start."""
    with anyio.CancelScope(shield=True):
        try:
            with _limited(CLOSE_SECONDS, "closing it"):
                await mounting.take_down(keep)
        except ExposureError as error:
            context.logger.warning(
                "Tailscale still serves what is ours, until the next start: %s", error
            )


@contextmanager
def _limited(seconds: float, what: str) -> Iterator[None]:
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise ExposureError(
            f"{what} took longer than {seconds:g} s",
            remedy="look with `tailscale status` whether Tailscale is well, and try again",
        ) from error
