"""Do carriers still reach us? The exposure is looked after, and the public URL proved, for ever."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import anyio

from voicecall.config.hiding import hiding
from voicecall.errors import ConfigError, ExposureError
from voicecall.sdk.clock import Clock
from voicecall.sdk.exposure import PublicEndpoint
from voicecall.sdk.sink import PublicUrlChanged
from voicecall.web.prober import Prober, Reached, Verdict, literally_private
from voicecall.webhooks.origin import PublicUrls

logger = logging.getLogger(__name__)

REFRESH_SECONDS = 10.0
"""Real seconds between two looks at the exposure; a changed URL is noticed within this."""

PROVE_SECONDS = 60.0
"""Real seconds between two proofs of the public URL while all is well."""

FIRST_SECONDS = 30.0
"""Real seconds that a new name may take until it resolves and leads to us."""

_RETRY_SECONDS = 2.0


class Reachability:
    """Watches over the public URL of a running gateway.

    Args:
        endpoint: of the exposure.
        urls: the carrier-facing URLs; follow the endpoint's when they change.
        prober: calls us through them; None: `reachability.check` is off.
        clock: dates what is found.
        required: whether a gateway that is not reached is not ready.
        moved: is told of a change, after `urls` follow.
    """

    def __init__(
        self,
        endpoint: PublicEndpoint,
        urls: PublicUrls,
        prober: Prober | None,
        *,
        clock: Clock,
        required: bool,
        moved: Callable[[PublicUrlChanged], Awaitable[None]],
    ) -> None:
        self._endpoint = endpoint
        self._urls = urls
        self._prober = prober
        self._clock = clock
        self._moved = moved
        self._proved_at: float | None = None
        self.verdict = Verdict(url=urls.webhook(), required=required)

    async def require(self) -> None:
        """Prove the public URL; a young name has `FIRST_SECONDS` to become known.

        Raises:
            ExposureError: it does not lead to us.
        """
        give_up = anyio.current_time() + FIRST_SECONDS
        while True:
            await self.prove()
            if self.verdict.problem is None:
                return
            if anyio.current_time() + _RETRY_SECONDS > give_up:
                raise ExposureError(
                    f"the public URL does not lead to us: {self.verdict.problem}",
                    remedy='mend it, or set reachability.check to "warn" to start nevertheless',
                )
            await anyio.sleep(_RETRY_SECONDS)

    async def watch(self) -> None:
        """Look after the exposure and prove its URL again and again, for ever."""
        began = anyio.current_time()
        while True:
            await self._look()
            young = anyio.current_time() < began + FIRST_SECONDS
            unproved = self.verdict.reached is not Reached.YES and self._prober is not None
            await anyio.sleep(_RETRY_SECONDS if young and unproved else REFRESH_SECONDS)

    async def _look(self) -> None:
        try:
            with anyio.fail_after(REFRESH_SECONDS):
                await self._endpoint.refresh()
        except ExposureError as error:
            self._conclude(hiding.secrets(error.message))
            return
        except TimeoutError:
            self._conclude(f"the exposure did not answer within {REFRESH_SECONDS:g} s")
            return
        except Exception as error:
            logger.debug("an exposure failed", exc_info=True)
            self._conclude(hiding.private(f"the exposure failed: {type(error).__name__}: {error}"))
            return
        await self._follow()
        if self._prober is None:
            self._conclude(None, proved=False)
        elif self._due():
            await self.prove()

    def _due(self) -> bool:
        if self.verdict.reached is not Reached.YES or self._proved_at is None:
            return True
        return anyio.current_time() >= self._proved_at + PROVE_SECONDS

    async def _follow(self) -> None:
        """Let `urls` say what the endpoint says, and tell of it."""
        former = self._urls.webhook()
        try:
            webhook_url, stream_url = self._endpoint.webhook_url, self._endpoint.stream_url
        except Exception as error:
            why = hiding.private(f"{type(error).__name__}: {error}")
            self._conclude(f"the exposure names no URL: {why}")
            return
        if not self._urls.move(webhook_url, stream_url):
            return
        self._proved_at = None
        self.verdict = replace(
            self.verdict,
            url=self._urls.webhook(),
            reached=Reached.UNCHECKED,
            changes=self.verdict.changes + 1,
        )
        logger.warning("the public URL has changed from %s to %s", former, webhook_url)
        await self._moved(
            PublicUrlChanged(former=former, current=webhook_url, at=self._clock.wall())
        )

    async def prove(self) -> Verdict:
        """Try the public URL once."""
        assert self._prober is not None
        try:
            faults: Sequence[str] = await self._prober.faults(self._urls)
        except Exception as error:
            logger.debug("the public URL could not be proved", exc_info=True)
            why = hiding.private(f"{type(error).__name__}: {error}")
            faults = [f"it could not be tried: {why}"]
        self._proved_at = anyio.current_time()
        self._conclude("; ".join(faults) or None)
        return self.verdict

    def _conclude(self, problem: str | None, *, proved: bool = True) -> None:
        before = self.verdict
        good = Reached.YES if proved else Reached.UNCHECKED
        self.verdict = replace(
            before,
            reached=good if problem is None else Reached.NO,
            problem=problem,
            checked_at=self._clock.wall(),
        )
        if problem is not None and problem != before.problem:
            logger.warning("carriers may not reach us: %s", problem)
        elif problem is None and before.problem is not None:
            logger.info("carriers reach us again")


def refuse_private(url: str) -> None:
    """Check that `url` could be reached from outside, as it is written.

    Raises:
        ConfigError: its host is literally loopback, private, link-local or shared.
    """
    if literally_private(url):
        raise ConfigError(
            f"the public URL {url} is an address that no carrier reaches; "
            "set publicUrl to the name by which the internet knows this machine, "
            "or name a tunnel in tunnel.provider"
        )
