"""How does work outlive the request that asked for it? As an errand in the gateway's task group.

A web server cancels a request when its client goes away. A call that is being placed must not
be cancelled by that, so every method runs as an errand and the request only waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from voicecall.errors import Draining, VoicecallError

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Errand(Generic[T]):
    """Work under way; anybody may wait for it, nobody who waits can stop it."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._done = anyio.Event()
        self._results: list[T] = []
        self._failure: Exception = Draining("the gateway shut down before this was finished")

    @property
    def is_done(self) -> bool:
        """Whether `result` returns at once."""
        return self._done.is_set()

    async def run(self) -> None:
        """Do the work and keep what comes of it."""
        try:
            self._results.append(await self._work())
        except VoicecallError as error:
            self._failure = error
        except Exception as error:
            logger.exception("an rpc method failed")
            self._failure = error
        finally:
            self._done.set()

    async def result(self) -> T:
        """What the work returned, once it has.

        Raises:
            Exception: what the work raised; `Draining` when the gateway shut down meanwhile.
        """
        await self._done.wait()
        if self._results:
            return self._results[0]
        raise self._failure


class Errands:
    """Starts errands.

    Args:
        tasks: owns them; cancelling it ends them all.
    """

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks

    def start(self, work: Callable[[], Awaitable[T]]) -> Errand[T]:
        """Begin `work` now."""
        errand = Errand(work)
        self._tasks.start_soon(errand.run)
        return errand
