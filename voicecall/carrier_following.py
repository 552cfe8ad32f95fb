"""Does the carrier know our public URL of now? It is told of every change, until it has heard."""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio

from voicecall.config.hiding import hiding
from voicecall.errors import CarrierError
from voicecall.sdk.provider import CallProvider, Finding, Severity

logger = logging.getLogger("voicecall")

AGAIN_SECONDS = 60.0
"""Real seconds until a carrier that could not be asked is asked again."""


class CarrierFollowing:
    """What of our former URLs the carrier may still keep.

    Args:
        provider: the carrier; asked for when it is needed.
    """

    def __init__(self, provider: Callable[[], CallProvider]) -> None:
        self._provider = provider
        self._formers: list[str] = []
        self._turn = anyio.Lock()
        self.problem: str | None = None
        """Why it was not told last time; None: it knows."""

    async def changed(self, former: str) -> None:
        """The URL was `former` until now."""
        self._formers.append(former)
        await self._tell()

    async def watch(self) -> None:
        """Tell it again what it has not heard, for ever."""
        while True:
            await anyio.sleep(AGAIN_SECONDS)
            await self._tell()

    async def _tell(self) -> None:
        async with self._turn:
            while self._formers:
                problem = await self._follow(self._formers[0])
                if problem is not None:
                    self._complain(problem)
                    return
                del self._formers[0]
            self.problem = None

    async def _follow(self, former: str) -> str | None:
        try:
            findings = await self._provider().follow(former)
        except CarrierError as error:
            return hiding.private(str(error))
        except Exception as error:
            logger.debug("a provider failed", exc_info=True)
            return hiding.private(f"the provider failed: {type(error).__name__}: {error}")
        for finding in findings:
            _log(finding)
        return None

    def _complain(self, problem: str) -> None:
        if problem != self.problem:
            logger.error("the carrier does not know the new public URL: %s", problem)
        self.problem = problem


def _log(finding: Finding) -> None:
    level = logging.INFO if finding.severity is Severity.OK else logging.WARNING
    remedy = f"; {finding.remedy}" if finding.remedy else ""
    logger.log(level, "%s: %s%s", finding.subject, finding.message, remedy)
