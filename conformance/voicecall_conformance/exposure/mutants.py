"""Which faults does an exposure have?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from voicecall.sdk import ExposureContext, ExposureError, Finding, PublicEndpoint
from voicecall_conformance.exposure.harness import ExposureHarness, Mishap
from voicecall_conformance.exposure.misopening import MISOPENING
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.speech.mutants import Mutant, OpensOnce, declared_mutants, infect

__all__ = ["MUTANTS", "infect"]

PATIENCE = 60.0
HELD_SECONDS = 0.2


class EndpointMutant(Mutant, PublicEndpoint):
    """A public side that is what the one inside is."""

    def __init__(self, inner: PublicEndpoint) -> None:
        self.inner = inner

    @classmethod
    def wrap(cls, inner: Any, context: Any) -> Any:
        return cls(inner)

    @property
    def webhook_url(self) -> str:
        return self.inner.webhook_url

    @property
    def stream_url(self) -> str:
        return self.inner.stream_url

    async def refresh(self) -> None:
        await self.inner.refresh()

    async def check(self) -> Sequence[Finding]:
        return await self.inner.check()


class WaitsForVeryLong(Mutant):
    """Has a limit that the kernel will not wait for."""

    breaks = "exposure.opens"

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        assert issubclass(genuine, ExposureHarness)
        return {"limits": {**genuine.limits, f"{__name__}.PATIENCE": PATIENCE}}


class HasAQuery(EndpointMutant):
    """Gives a URL that carriers' own queries do not fit to."""

    breaks = "exposure.urls"

    @property
    def webhook_url(self) -> str:
        return f"{self.inner.webhook_url}?token=1"


class StreamsInTheClear(EndpointMutant):
    """Gives a stream URL of another scheme."""

    breaks = "exposure.urls"

    @property
    def stream_url(self) -> str:
        return self.inner.stream_url.replace("wss:", "ws:")


class IsMountedElsewhere(EndpointMutant):
    """Gives a path that the public side hands on as it is."""

    breaks = "exposure.paths"

    @property
    def webhook_url(self) -> str:
        parts = urlsplit(self.inner.webhook_url)
        return parts._replace(path=f"/elsewhere{parts.path}").geturl()


class LosesTheQuery(Mutant):
    """Has the agent rewrite what it hands on."""

    breaks = "exposure.forwards"

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        async def send(harness: Any, url: str, body: bytes) -> None:
            await genuine.send(harness, url.partition("?")[0], body)  # type: ignore[attr-defined]

        return {"send": send}


class IsRestless(EndpointMutant):
    """Tells another URL every time."""

    breaks = "exposure.steady"
    looks = 0

    @property
    def webhook_url(self) -> str:
        return self.inner.webhook_url + "/" * self.looks

    async def refresh(self) -> None:
        self.looks += 1
        await super().refresh()


class NeverLooksAgain(EndpointMutant):
    """Knows its name from the beginning."""

    breaks = "exposure.drifts"

    def __init__(self, inner: PublicEndpoint) -> None:
        super().__init__(inner)
        self.urls = inner.webhook_url, inner.stream_url

    @property
    def webhook_url(self) -> str:
        return self.urls[0]

    @property
    def stream_url(self) -> str:
        return self.urls[1]


class LooksAway(EndpointMutant):
    """Keeps to itself that it is gone."""

    breaks = "exposure.gone"

    async def refresh(self) -> None:
        with suppress(ExposureError):
            await super().refresh()


class GivesUp(EndpointMutant):
    """Does not try again."""

    breaks = "exposure.recovers"
    given_up = False

    async def refresh(self) -> None:
        if self.given_up:
            raise ExposureError("it is gone", remedy="restart the gateway")
        try:
            await super().refresh()
        except ExposureError:
            self.given_up = True
            raise


class AlwaysFoundSomething(Mutant):
    """Says that it removed something, whether there was anything or not."""

    breaks = "exposure.removes"

    @classmethod
    def twist(cls, spec: Any) -> Any:
        async def remove(config: Any, context: ExposureContext) -> bool:
            await spec.remove(config, context)
            return True

        return replace(spec, remove=remove) if spec.remove else spec


class TriesItOut(Mutant):
    """Opens it to see whether it could be opened."""

    breaks = "exposure.check"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return isinstance(genuine, ExposureHarness) and genuine.starts

    @classmethod
    def twist(cls, spec: Any) -> Any:
        async def check(config: Any, context: ExposureContext) -> Sequence[Finding]:
            async with spec.open(config, context):
                return ()

        return replace(spec, check=check)


class FindsNothing(Mutant):
    """Is content with everything."""

    breaks = "exposure.check"

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        return isinstance(genuine, ExposureHarness) and Mishap.MISSING in genuine.mishaps

    @classmethod
    def twist(cls, spec: Any) -> Any:
        async def check(config: Any, context: ExposureContext) -> Sequence[Finding]:
            return ()

        return replace(spec, check=check)


class OpensOnlyOnce(OpensOnce):
    """Leaves something behind that keeps it from being opened again."""

    breaks = "exposure.reopens"


class HoldsEverybodyUp(EndpointMutant):
    """Waits for the program where others wait too."""

    breaks = "exposure.yields"

    async def refresh(self) -> None:
        time.sleep(HELD_SECONDS)
        await super().refresh()


MUTANTS: tuple[type[Mutant], ...] = (
    WaitsForVeryLong,
    HasAQuery,
    StreamsInTheClear,
    IsMountedElsewhere,
    LosesTheQuery,
    IsRestless,
    NeverLooksAgain,
    LooksAway,
    GivesUp,
    AlwaysFoundSomething,
    TriesItOut,
    FindsNothing,
    OpensOnlyOnce,
    HoldsEverybodyUp,
    *MISOPENING,
    *declared_mutants("exposure"),
)
