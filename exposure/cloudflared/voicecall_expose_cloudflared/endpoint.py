"""Where do carriers reach us through cloudflared, and does it still stand?"""

from __future__ import annotations

from collections.abc import Sequence

from voicecall.sdk import ExposureContext, ExposureError, Finding, PublicEndpoint, Severity
from voicecall_expose_cloudflared.agent import Agent

UNCONNECTED_SECONDS = 60.0
"""Call seconds after which one that runs without a connection is started anew: a quick tunnel
that Cloudflare has forgotten never connects again."""


class CloudflaredEndpoint(PublicEndpoint):
    """The public side of a tunnel.

    Args:
        agent: that is up.
        ours: that is started when `agent` is gone; it may be the same.
        context: lent by the kernel.
    """

    def __init__(self, agent: Agent, ours: Agent, context: ExposureContext) -> None:
        self._agent = agent
        self._ours = ours
        self._context = context
        self._hostname = agent.hostname
        self._unconnected_since: float | None = None

    @property
    def webhook_url(self) -> str:
        """The webhook path that we serve, under the tunnel's name."""
        return f"https://{self._hostname}{self._context.webhook_path}"

    @property
    def stream_url(self) -> str:
        """The stream path that we serve, under the tunnel's name."""
        return f"wss://{self._hostname}{self._context.stream_path}"

    async def refresh(self) -> None:
        """Look after it; one that ended, or has long lost its connection, is started anew.

        Raises:
            ExposureError: it has no connection.
        """
        if self._agent.is_alive:
            if await self._agent.look():
                self._hostname, self._unconnected_since = self._agent.hostname, None
                return
            self._wait_for_it()
        last = await self._agent.reason()
        self._context.logger.warning("cloudflared is started anew; it said last: %s", last)
        self._unconnected_since = None
        await self._agent.clear()
        self._agent = self._ours
        await self._agent.start()
        self._hostname = self._agent.hostname

    def _wait_for_it(self) -> None:
        """It connects again by itself, for a while."""
        now = self._context.clock.now()
        self._unconnected_since = since = self._unconnected_since or now
        if now - since < UNCONNECTED_SECONDS:
            raise ExposureError(
                "cloudflared runs and has no connection to Cloudflare",
                remedy=f"check the network; it is started anew after {UNCONNECTED_SECONDS:g} s",
            )

    async def check(self) -> Sequence[Finding]:
        """Whether it runs."""
        alive = self._agent.is_alive
        return (
            Finding(
                severity=Severity.OK if alive else Severity.ERROR,
                subject="cloudflared",
                message=f"the tunnel {self._hostname} {'runs' if alive else 'has ended'}",
                remedy=None if alive else "it is started anew within seconds; look at the log",
            ),
        )
