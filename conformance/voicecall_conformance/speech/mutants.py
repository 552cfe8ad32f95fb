"""What is a faulty speech plugin? A genuine one with one fault, which one rule has to catch."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any, ClassVar

from anyio import TASK_STATUS_IGNORED, create_task_group, sleep_forever
from anyio.abc import TaskStatus
from pydantic import ConfigDict

from voicecall.sdk import PluginContext, PortInUse
from voicecall_conformance.mutants import heavy
from voicecall_conformance.speech.harness import PluginHarness
from voicecall_conformance.suites.package import secrets_of

HELD_SECONDS = 0.2


class Mutant:
    """A plugin that does what the genuine one inside does; a subclass changes one thing.

    `breaks` is the rule that has to catch it; the only others that may break with it are those
    which that rule implies.
    """

    breaks: ClassVar[str]

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        """The live object in front of `inner`."""
        return inner

    @classmethod
    def twist(cls, spec: Any) -> Any:
        """The spec, for a fault that sits there."""
        return spec

    @classmethod
    def fits(cls, genuine: PluginHarness) -> bool:
        """Whether the fault can show in this plugin and with its vendor."""
        return True

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        """Attributes of the harness to replace, for a fault that sits in the package."""
        return {}


def infect(genuine: type[PluginHarness], mutant: type[Mutant]) -> type[PluginHarness]:
    """The harness `genuine`, with `mutant` in front of its plugin."""

    def spec(harness: PluginHarness) -> Any:
        twisted = mutant.twist(genuine.spec(harness))

        @asynccontextmanager
        async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
            async with twisted.open(config, context) as inner:
                yield mutant.wrap(inner, context)

        return replace(twisted, open=opened)

    attributes = {"spec": spec, **mutant.attributes(genuine)}
    return type(f"{mutant.__name__}In{genuine.__name__}", (genuine,), attributes)


class ImportsTheWorld(Mutant):
    """Imports an HTTP client when the plugin is loaded."""

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        return {"module": heavy.__name__, "hook": lambda harness: genuine().hook()}


class ChangesItsMind(Mutant):
    """Returns another spec at every call of the hook."""

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        calls = count()

        def hook(harness: PluginHarness) -> list[Any]:
            specs: list[Any] = genuine().hook()
            return [replace(spec, summary=f"call {next(calls)}") for spec in specs]

        return {"hook": hook}


class TakesAnything(Mutant):
    """Passes over settings that it does not know."""

    @classmethod
    def twist(cls, spec: Any) -> Any:
        lenient = {"model_config": ConfigDict(extra="ignore")}
        return replace(spec, config=type("Lenient", (spec.config,), lenient))


class PrintsSecrets(Mutant):
    """Shows its secrets to whoever prints the configuration."""

    @classmethod
    def twist(cls, spec: Any) -> Any:
        shown = {"__repr__": lambda config: f"secrets={secrets_of(config)}"}
        return replace(spec, config=type("Talkative", (spec.config,), shown))


class OpensOnce(Mutant):
    """Leaves something behind that keeps it from being opened again."""

    @classmethod
    def twist(cls, spec: Any) -> Any:
        left = iter([spec.open])

        def opened(config: Any, context: PluginContext) -> Any:
            opener = next(left, None)
            if opener is None:
                raise PortInUse("the first one never let go")
            return opener(config, context)

        return replace(spec, open=opened)


class StaysOpen(Mutant):
    """Is not closed before everything is over."""

    @classmethod
    def attributes(cls, genuine: type[PluginHarness]) -> dict[str, Any]:
        @asynccontextmanager
        async def vendor(harness: Any) -> AsyncIterator[Any]:
            async with genuine.vendor(harness) as section, create_task_group() as harness.tasks:
                yield section
                harness.tasks.cancel_scope.cancel()

        def spec(harness: Any) -> Any:
            genuinely = genuine.spec(harness)

            @asynccontextmanager
            async def opened(config: Any, context: Any) -> AsyncIterator[Any]:
                yield await harness.tasks.start(_held_open, genuinely, config, context)

            return replace(genuinely, open=opened)

        return {"vendor": vendor, "spec": spec}


async def _held_open(
    spec: Any, config: Any, context: Any, *, task_status: TaskStatus[Any] = TASK_STATUS_IGNORED
) -> None:
    async with spec.open(config, context) as live:
        task_status.started(live)
        await sleep_forever()


class HoldsUpTheLoop(Mutant):
    """Computes for long where others wait for it."""

    class Slow:
        """Everything that the genuine one does, later."""

        def __init__(self, inner: Any) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            method = getattr(self._inner, name)

            def slowly(*arguments: Any, **named: Any) -> Any:
                time.sleep(HELD_SECONDS)
                return method(*arguments, **named)

            return slowly

    @classmethod
    def wrap(cls, inner: Any, context: PluginContext) -> Any:
        return cls.Slow(inner)


def declared_mutants(kind: str) -> tuple[type[Mutant], ...]:
    """The faults that a plugin of `kind` can have in what it declares."""
    rules = {
        "light": ImportsTheWorld,
        "hook": ChangesItsMind,
        "config": TakesAnything,
        "secrets": PrintsSecrets,
    }
    return _breaking(kind, rules)


def package_mutants(kind: str) -> tuple[type[Mutant], ...]:
    """The faults that a plugin of `kind` can have as a package."""
    rules = {"reopens": OpensOnce, "closes": StaysOpen, "yields": HoldsUpTheLoop}
    return declared_mutants(kind) + _breaking(kind, rules)


def _breaking(kind: str, rules: Mapping[str, type[Mutant]]) -> tuple[type[Mutant], ...]:
    return tuple(
        type(fault.__name__, (fault,), {"breaks": f"{kind}.{name}", "__doc__": fault.__doc__})
        for name, fault in rules.items()
    )
