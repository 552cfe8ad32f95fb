"""How do a carrier's webhooks reach the gateway? In order, tried again as the carrier does."""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
import httpx
from anyio.abc import TaskGroup

from voicecall_conformance.phones.reach import Reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One try of a webhook: headers and body of the request."""

    headers: Mapping[str, str]
    body: bytes = b""
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """When a webhook is tried again.

    Args:
        pauses: real seconds before each further try.
        again: whether an outcome calls for one: a status, or None when there was no answer.
    """

    pauses: tuple[float, ...] = ()
    again: Callable[[int | None], bool] = lambda status: status is None or status >= 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A webhook on its way.

    Args:
        url: the public URL, as the gateway gave it.
        write: the request of try number 1, 2, …: carriers count and sign every one anew.
        timeout: real seconds for one try; None: as long as the carrier waits.
    """

    url: str
    write: Callable[[int], Posted]
    retries: Retries = field(default_factory=Retries)
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the gateway answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


UNAVAILABLE = Reply(status=503, headers={}, body=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One try and what came of it; `status` None: no answer."""

    url: str
    attempt: int
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disorder:
    """How badly webhooks are delivered. All but `delay` and `seed` are shares of 0 to 1.

    Args:
        duplicate: of the notifications, come twice.
        reorder: of the notifications, do not wait for those before them.
        delay: real seconds, at most, by which such a one is late.
        turned_away: of the webhooks that the carrier tries again, are at first answered with a
            503 by something in front of the gateway.
        forgotten: of the same, reach the gateway at first, and the carrier gets a 503.
        seed: the same one gives the same disorder.
    """

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.2
    turned_away: float = 0.0
    forgotten: float = 0.0
    seed: int = 0


class Poster:
    """Delivers the webhooks of one call.

    Args:
        client: with the carrier's timeout.
        deliveries: every try is noted here.
        disorder: what is fetched is never late and never comes twice of itself.
    """

    def __init__(
        self,
        *,
        client: httpx.AsyncClient,
        reach: Reach,
        deliveries: list[Delivery],
        disorder: Disorder,
        seed: str,
        logger: logging.Logger,
    ) -> None:
        self._client = client
        self._reach = reach
        self._deliveries = deliveries
        self._disorder = disorder
        self._dice = random.Random(f"{disorder.seed}:{seed}")
        self._luck = random.Random(f"{disorder.seed}:{seed}:tries")
        self._logger = logger
        self._send, self._queue = anyio.create_memory_object_stream[Letter](math.inf)

    def notify(self, letter: Letter) -> None:
        """Deliver `letter` after those before it; only its status counts."""
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._send.send_nowait(letter)

    def close(self) -> None:
        """No more notifications come; `run` returns when all are delivered or given up."""
        self._send.close()

    async def run(self) -> None:
        """Deliver notifications until closed."""
        async with anyio.create_task_group() as tasks, self._queue, self._send:
            async for letter in self._queue:
                await self._dispatch(letter, tasks)

    async def fetch(self, letter: Letter) -> Reply | None:
        """Deliver `letter` now and return the answer that settles it, None when there is none.

        An error status that is not tried again is an answer.
        """
        reply = None
        for attempt, pause in enumerate((*letter.retries.pauses, None), start=1):
            reply = await self._try(letter, attempt)
            status = None if reply is None else reply.status
            self._deliveries.append(Delivery(url=letter.url, attempt=attempt, status=status))
            if pause is None or not letter.retries.again(status):
                break
            await anyio.sleep(pause)
        return reply

    async def _dispatch(self, letter: Letter, tasks: TaskGroup) -> None:
        late, twice, one, other = (self._dice.random() for _ in range(4))
        if twice < self._disorder.duplicate:
            tasks.start_soon(self._deliver_late, letter, one * self._disorder.delay)
        if late < self._disorder.reorder:
            tasks.start_soon(self._deliver_late, letter, other * self._disorder.delay)
        else:
            await self._deliver(letter)

    async def _deliver_late(self, letter: Letter, seconds: float) -> None:
        await anyio.sleep(seconds)
        await self._deliver(letter)

    async def _deliver(self, letter: Letter) -> None:
        reply = await self.fetch(letter)
        if reply is None or reply.status >= 300:
            status = "no answer" if reply is None else reply.status
            self._logger.warning("a webhook was not taken", extra={"status": status})

    async def _try(self, letter: Letter, attempt: int) -> Reply | None:
        if attempt > 1 or not letter.retries.pauses or not letter.retries.again(503):
            return await self._send_one(letter, attempt)
        turned_away, forgotten = self._luck.random(), self._luck.random()
        if turned_away < self._disorder.turned_away:
            return UNAVAILABLE
        reply = await self._send_one(letter, attempt)
        return UNAVAILABLE if forgotten < self._disorder.forgotten else reply

    async def _send_one(self, letter: Letter, attempt: int) -> Reply | None:
        posted = letter.write(attempt)
        target, host = self._reach.request_to(letter.url)
        try:
            response = await self._client.request(
                posted.method,
                target,
                content=posted.body or None,
                headers={**posted.headers, "host": host},
                timeout=self._client.timeout if letter.timeout is None else letter.timeout,
            )
        except httpx.HTTPError:
            return None
        return Reply(
            status=response.status_code, headers=dict(response.headers), body=response.content
        )
