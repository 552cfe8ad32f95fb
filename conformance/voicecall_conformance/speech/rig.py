"""How does a rule meet a speech plugin? Opened beside its vendor's double, what it logs noted."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import httpx

from voicecall.sdk import PluginContext, SystemClock
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.rules import RuleBroken, hold
from voicecall_conformance.suites.package import secrets_of

AT_ONCE_SECONDS = 3.0
"""Real seconds that "at once" may take on a busy machine."""
LONGEST_MESSAGE = 500

E = TypeVar("E", bound=Exception)


class PluginRig:
    """One open plugin and what is behind it; a subclass puts it to use."""

    def __init__(self, harness: Any) -> None:
        self.harness = harness
        self.spec = harness.spec()
        self.wire: list[str] = []
        self.logged: list[str] = []
        self.live: Any
        self.context: PluginContext
        self.section: Mapping[str, object]
        self.config: Any

    async def works(self, live: Any) -> None:
        """Have `live`, one more of the same plugin, do its work once; raises when it does not."""
        raise NotImplementedError

    async def sees(self, what: str, waiting: Callable[[], Awaitable[None]]) -> None:
        """What is behind the plugin must see `what` soon, which is when `waiting` returns."""
        with anyio.move_on_after(AT_ONCE_SECONDS) as scope:
            await waiting()
        hold(not scope.cancelled_caught, f"what is behind the plugin did not see {what}")

    async def raises(self, error: type[E], what: str, work: Callable[[], Awaitable[object]]) -> E:
        """`work` must raise `error`, and nothing else."""
        try:
            await work()
        except error as expected:
            self.wire.append(f"raised  {expected!r}")
            return expected
        except Exception as other:
            raise RuleBroken(f"{what}: raised {other!r}, wanted {error.__name__}") from other
        raise RuleBroken(f"{what}: was taken for success, wanted {error.__name__}")

    def gives_nothing_away(self, what: str, text: str, *words: str) -> None:
        """`text` must hold neither a secret nor any of `words`."""
        for secret in secrets_of(self.config):
            hold(secret not in text, f"{what} tells a secret")
        for word in words:
            hold(word not in text, f"{what} tells what was said: {text!r}")

    def reads_well(self, what: str, message: str) -> None:
        """`message` must be short, and a line of text."""
        hold(bool(message.strip()), f"{what}: the message is empty")
        hold(len(message) <= LONGEST_MESSAGE, f"{what}: {len(message)} characters")
        hold(message.isprintable(), f"{what}: control characters in {message!r}")


class Underway:
    """Some work of the plugin that can be cancelled."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.over = anyio.Event()

    async def ends(self) -> bool:
        """Cancel it; whether it ended at once."""
        self.scope.cancel()
        with anyio.move_on_after(AT_ONCE_SECONDS):
            await self.over.wait()
        return self.over.is_set()

    async def run(self, work: Any, *arguments: Any) -> None:
        """Do `work` until it is cancelled."""
        try:
            with self.scope:
                await work(*arguments)
        finally:
            self.over.set()


class _Keeping(logging.Handler):
    def __init__(self, rig: PluginRig) -> None:
        super().__init__(logging.DEBUG)
        self._rig = rig

    def emit(self, record: logging.LogRecord) -> None:
        self._rig.logged.append(record.getMessage())
        self._rig.wire.append(f"logged  {record.levelname} {record.getMessage()}")


async def happens(event: anyio.Event, what: str) -> None:
    """`event` must be set soon."""
    with anyio.move_on_after(AT_ONCE_SECONDS):
        await event.wait()
    if not event.is_set():
        raise RuleBroken(f"{what}: not within {AT_ONCE_SECONDS:g} s")


async def settle() -> None:
    """Let everything go on that can go on without waiting."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


@contextmanager
def logging_to(rig: PluginRig) -> Iterator[logging.Logger]:
    """A logger whose lines `rig` keeps."""
    logger = logging.getLogger(f"voicecall.conformance.{rig.harness.kind}")
    logger.setLevel(logging.DEBUG)
    keeping = _Keeping(rig)
    logger.addHandler(keeping)
    try:
        yield logger
    finally:
        logger.removeHandler(keeping)


@asynccontextmanager
async def open_rig(rig: PluginRig) -> AsyncIterator[None]:
    """Open the plugin of `rig` beside what is behind it."""
    with logging_to(rig) as logger, TemporaryDirectory() as state_dir:
        async with (
            rig.harness.vendor() as rig.section,
            httpx.AsyncClient(verify=False, trust_env=False) as client,
        ):
            rig.config = rig.spec.config.model_validate(dict(rig.section))
            rig.context = rig.harness.context(
                http=LoopbackHttp(client),
                clock=SystemClock(),
                logger=logger,
                state_dir=Path(state_dir),
            )
            async with rig.spec.open(rig.config, rig.context) as rig.live:
                yield
