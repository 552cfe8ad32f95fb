"""Which rules does every kind of speech plugin keep as a package, and how are they tested?"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
from pydantic import ValidationError

from voicecall_conformance.rulebook.requirement import Requirement
from voicecall_conformance.rules import Rule, Suite, applies, equal, hold
from voicecall_conformance.speech.rig import AT_ONCE_SECONDS, PluginRig
from voicecall_conformance.suites.package import loaded_by, secrets_of, told_by

LOOK_SECONDS = 0.005
LONGEST_WAIT = 0.1
"""Seconds: five frames, for a busy machine."""
ATTEMPTS = 4
"""Of which one has to succeed: what the machine does besides comes and goes, a fault stays."""
IMPOSSIBLE: tuple[object, ...] = ([[None]], {"odd": [[None]]})
"""No setting takes both."""


def declared_rules(kind: str) -> tuple[Requirement, ...]:
    """The rules for plugins of `kind` that are about what they declare."""
    texts = {
        "light": "Importing the plugin's module imports nothing but the SDK and its own package.",
        "hook": "The plugin's hook returns the spec every time, without side effects.",
        "config": "A setting that there is not, or whose value cannot be, is refused by its name.",
        "secrets": "The configuration prints none of its secrets.",
    }
    return tuple(Requirement(id=f"{kind}.{name}", text=text) for name, text in texts.items())


def package_rules(kind: str) -> tuple[Requirement, ...]:
    """The rules for plugins of `kind`, that one may open several of at once."""
    texts = {
        "reopens": "A plugin that was opened and closed can be opened again, also beside another.",
        "closes": "A plugin that was closed leaves no task and no connection behind.",
        "yields": "While it works everybody else goes on: the event loop is never held up.",
    }
    implied = {"reopens": (f"{kind}.closes",)}
    return declared_rules(kind) + tuple(
        Requirement(id=f"{kind}.{name}", text=text, implies=implied.get(name, ()))
        for name, text in texts.items()
    )


def declared_suite(kind: str, rule: Rule) -> type[Suite]:
    """The tests of `declared_rules`, made by the `rule` of that kind."""

    class DeclaredTests(Suite):
        @rule(f"{kind}.light")
        async def test_importing_the_plugin_is_cheap(self, rig: PluginRig) -> None:
            module = rig.harness.module
            loaded = await anyio.to_thread.run_sync(loaded_by, module)
            own = {module.partition(".")[0], "voicecall"}
            foreign = set(loaded) - own - sys.stdlib_module_names
            equal(f"imported by {module}", sorted(foreign), [])

        @rule(f"{kind}.hook")
        async def test_the_hook_returns_its_spec_every_time(self, rig: PluginRig) -> None:
            first, second = rig.harness.hook(), rig.harness.hook()
            hold(rig.harness.name in {spec.name for spec in first}, f"returned {first!r}")
            equal("specs of a second call", told_by(second), told_by(first))

        @rule(f"{kind}.config")
        async def test_an_impossible_setting_is_named(self, rig: PluginRig) -> None:
            equal("refused by name", _named(rig, "noSuchSetting", 1), True)
            for name, field in rig.spec.config.model_fields.items():
                key = field.alias or name
                named = any(_named(rig, key, value) for value in IMPOSSIBLE)
                hold(named, f"{key} may be {' and '.join(map(repr, IMPOSSIBLE))}")

        @rule(f"{kind}.secrets")
        async def test_the_configuration_prints_no_secret(self, rig: PluginRig) -> None:
            private = secrets_of(rig.config)
            applies(bool(private), "the plugin's section has no secrets")
            for text in (repr(rig.config), str(rig.config), repr(rig.config.model_dump())):
                hold(not any(secret in text for secret in private), "a secret is printed in full")

    return DeclaredTests


def package_suite(kind: str, rule: Rule) -> type[Suite]:
    """The tests of `package_rules`, made by the `rule` of that kind."""

    class PackageTests(declared_suite(kind, rule)):  # type: ignore[misc]
        @rule(f"{kind}.reopens")
        async def test_the_plugin_can_be_opened_again(self, rig: PluginRig) -> None:
            for _ in range(2):
                async with rig.spec.open(rig.config, rig.context) as another:
                    await rig.works(another)
            await rig.works(rig.live)

        @rule(f"{kind}.closes")
        async def test_closing_leaves_nothing_behind(self, rig: PluginRig) -> None:
            await rig.works(rig.live)
            before = running_tasks()
            async with rig.spec.open(rig.config, rig.context) as another:
                await rig.works(another)
            await leaves_no_task(before)

        @rule(f"{kind}.yields")
        async def test_the_event_loop_is_not_held_up(self, rig: PluginRig) -> None:
            await rig.works(rig.live)
            await goes_on(lambda: rig.works(rig.live))

    return PackageTests


def _named(rig: PluginRig, key: str, value: object) -> bool:
    try:
        rig.spec.config.model_validate({**rig.section, key: value})
    except ValidationError as error:
        return any(fault["loc"][:1] == (key,) for fault in error.errors())
    return False


def running_tasks() -> set[int]:
    """Every task that there is."""
    return {task.id for task in anyio.get_running_tasks()}


async def leaves_no_task(before: set[int]) -> None:
    """There must soon be no tasks but those of `before`."""
    with anyio.move_on_after(AT_ONCE_SECONDS):
        while running_tasks() - before:
            await anyio.sleep(LOOK_SECONDS)
    left = [task for task in anyio.get_running_tasks() if task.id not in before]
    hold(not left, f"still there, on either side of a connection: {left!r}")


async def goes_on(work: Callable[[], Awaitable[None]]) -> None:
    """Everybody else must go on while `work` is done, which may be done several times."""
    waits: list[float] = []
    while not waits or (waits[-1] > LONGEST_WAIT and len(waits) < ATTEMPTS):
        waits.append(await _longest_wait(work))
    told = ", ".join(f"{wait * 1000:.0f} ms" for wait in waits)
    hold(waits[-1] <= LONGEST_WAIT, f"others waited, at every attempt: {told}")


async def _longest_wait(work: Callable[[], Awaitable[None]]) -> float:
    """How long at most somebody else had to wait while `work` was done, in seconds."""
    longest = 0.0
    async with anyio.create_task_group() as tasks:

        async def look() -> None:
            nonlocal longest
            while True:
                before = time.perf_counter()
                await anyio.sleep(LOOK_SECONDS)
                longest = max(longest, time.perf_counter() - before - LOOK_SECONDS)

        tasks.start_soon(look)
        await anyio.lowlevel.checkpoint()
        await work()
        await anyio.sleep(LOOK_SECONDS)
        tasks.cancel_scope.cancel()
    return longest
