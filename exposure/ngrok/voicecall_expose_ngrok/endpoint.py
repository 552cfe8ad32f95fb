"""Where do carriers reach us through ngrok, and does it still stand?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from voicecall.sdk import ExposureContext, Finding, PublicEndpoint, Severity
from voicecall_expose_ngrok.agent import Agent
from voicecall_expose_ngrok.faults import Unanswered

LONGEST_SILENCE = 3
"""How often in a row an agent that runs may have no answer, before it is started anew."""


class NgrokEndpoint(PublicEndpoint):
    """The public side of an agent.

    Args:
        agent: that is up.
        ours: that is started when `agent` is gone; it may be the same.
        program: gives the path of the program.
        context: lent by the kernel.
        forwards_from_loopback: whether its forwarding headers are to be believed.
    """

    def __init__(
        self,
        agent: Agent,
        ours: Agent,
        *,
        program: Callable[[], Awaitable[str]],
        context: ExposureContext,
        forwards_from_loopback: bool,
    ) -> None:
        self._agent = agent
        self._ours = ours
        self._program = program
        self._context = context
        self._forwards_from_loopback = forwards_from_loopback
        self._url = agent.url
        self._silences = 0

    @property
    def webhook_url(self) -> str:
        """The webhook path that we serve, under the agent's name."""
        return f"{self._url}{self._context.webhook_path}"

    @property
    def stream_url(self) -> str:
        """The stream path that we serve, under the agent's name."""
        return f"wss{self._url.removeprefix('https')}{self._context.stream_path}"

    @property
    def forwards_from_loopback(self) -> bool:
        """As `tunnel.allowNgrokFreeTierLoopbackBypass` says."""
        return self._forwards_from_loopback

    async def refresh(self) -> None:
        """Ask the agent for the name; one that ended, or is long silent, is started anew.

        Raises:
            ExposureError: there is no public side.
        """
        why = "the agent has ended"
        if self._agent.is_alive:
            try:
                await self._agent.look()
            except Unanswered:
                self._silences += 1
                if self._silences < LONGEST_SILENCE:
                    raise
                why = "the agent runs, and does not answer"
            else:
                self._url, self._silences = self._agent.url, 0
                return
        await self._restart(why)

    async def _restart(self, why: str) -> None:
        said = await self._agent.reason() or "nothing"
        self._context.logger.warning("ngrok is started anew: %s; it said last: %s", why, said)
        self._silences = 0
        await self._agent.clear()
        self._agent = self._ours
        await self._agent.start(await self._program())
        self._url = self._agent.url

    async def check(self) -> Sequence[Finding]:
        """Whether it runs."""
        alive = self._agent.is_alive
        return (
            Finding(
                severity=Severity.OK if alive else Severity.ERROR,
                subject="ngrok",
                message=f"the agent for {self._url} {'runs' if alive else 'has ended'}",
                remedy=None if alive else "it is started anew within seconds; look at the log",
            ),
        )
