"""Do plugins that fail or hang while they open keep a gateway from saying why?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
import trio.testing

from voicecall.config.schema import Settings
from voicecall.errors import PluginError
from voicecall.opening import Opener
from voicecall.sdk import ReplySink, Responder, Turn
from voicecall.sdk.clock import SystemClock


class Silent(Responder):
    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Says nothing."""


class Plugins:
    """One responder plugin, opened as `opening` says."""

    def __init__(self, opening: Any) -> None:
        self.contexts: list[Any] = []

        def open_it(config: Any, context: Any) -> Any:
            self.contexts.append(context)
            return opening()

        self.spec = SimpleNamespace(kind="responder", name="slow", open=open_it)
        self.responder = SimpleNamespace(spec=self.spec, config=None)
        self.settings = Settings.model_validate(
            {
                "responseModel": "a/one",
                "numbers": {
                    "+15550001111": {"responseModel": "b/two"},
                    "+15550002222": {"agentId": "second"},
                    "+15550003333": {"responseModel": "a/one"},
                },
            }
        )
        self.registry = SimpleNamespace(owner=lambda spec: "voicecall-slow 1.0")


def virtually(main: Any) -> None:
    clock = trio.testing.MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


def opener(stack: AsyncExitStack, plugins: Plugins) -> Opener:
    return Opener(
        plugins,  # type: ignore[arg-type]
        state_dir=Path("unused"),
        clock=SystemClock(),
        http=None,  # type: ignore[arg-type]
        stack=stack,
    )


def test_a_plugin_that_hangs_while_it_opens_is_named_after_half_a_minute() -> None:
    closed: list[str] = []

    @asynccontextmanager
    async def hangs() -> AsyncIterator[str]:
        try:
            await anyio.sleep_forever()
            yield "never"
        finally:
            closed.append("slow")

    async def main() -> None:
        with anyio.fail_after(31), pytest.raises(PluginError, match="'slow'.*voicecall-slow"):
            async with AsyncExitStack() as stack:
                stack.callback(closed.append, "the one before")
                await opener(stack, Plugins(hangs)).responder()

    virtually(main)
    assert closed == ["slow", "the one before"]


def test_a_plugin_that_has_opened_may_live_for_long_with_tasks_of_its_own() -> None:
    alive = Silent()

    @asynccontextmanager
    async def lives() -> AsyncIterator[Responder]:
        async with anyio.create_task_group() as tasks:
            await anyio.sleep(29)
            tasks.start_soon(anyio.sleep_forever)
            yield alive
            tasks.cancel_scope.cancel()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            assert await opener(stack, Plugins(lives)).responder() is alive
            await anyio.sleep(3600)

    virtually(main)


def test_a_responder_learns_every_model_that_a_turn_may_name() -> None:
    plugins = Plugins(lambda: nullcontext(Silent()))

    async def main() -> None:
        async with AsyncExitStack() as stack:
            await opener(stack, plugins).responder()

    virtually(main)
    (context,) = plugins.contexts
    assert context.models == ("a/one", "b/two")


def test_a_plugin_that_opens_something_else_is_named_with_what_is_missing() -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:
            with pytest.raises(PluginError, match="'slow' of voicecall-slow.*has no respond"):
                await opener(stack, Plugins(nullcontext)).responder()

    anyio.run(main)


def test_a_plugin_that_calls_exit_while_it_opens_is_named() -> None:
    @asynccontextmanager
    async def exits() -> AsyncIterator[Responder]:
        raise SystemExit(3)
        yield Silent()

    async def main() -> None:
        async with AsyncExitStack() as stack:
            with pytest.raises(PluginError, match="'slow' of voicecall-slow.*SystemExit"):
                await opener(stack, Plugins(exits)).responder()

    anyio.run(main)
