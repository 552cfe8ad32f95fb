"""How does a rule become a test? By its id; a broken one says its text and the bytes it saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, ClassVar
from unittest import SkipTest

import anyio

from voicecall_conformance.requirements import REQUIREMENTS, Requirement
from voicecall_conformance.rig import rigged

DEADLINE_SECONDS = 30.0
WIRE_LINES = 40

RuleBody = Callable[[Any, Any], Awaitable[None]]
"""The test of one rule: the suite, and a rig that has the plugin open and `wire` to note on."""
RuleTest = Callable[[Any], None]
Rule = Callable[[str], Callable[[RuleBody], RuleTest]]
"""The decorator of a test, by the id of its rule."""
Rigging = Callable[[Any], AbstractAsyncContextManager[Any]]
"""Opens a plugin by its harness; yields the rig."""


class RuleBroken(AssertionError):
    """A plugin does not keep a rule."""


class NotApplicable(SkipTest):
    """A rule is about something that is not there, as with some carriers; the message says what.

    pytest shows it as a skipped test with this reason. What a provider does not declare as a
    capability is no such case: it has to be refused, and that is tested.
    """


class Suite:
    """Base of every suite."""

    harness_type: ClassVar[type[Any]]
    """The harness of the plugin that is proved."""


def ruling(requirements: Mapping[str, Requirement], rigging: Rigging) -> Rule:
    """The decorator `rule` of one kind of plugin.

    Args:
        requirements: the rules of that kind, by id.
        rigging: opens such a plugin.
    """

    def rule(requirement_id: str) -> Callable[[RuleBody], RuleTest]:
        """Make the test of a requirement: a plain function, whatever the async set-up around it.

        Args:
            requirement_id: a key of the requirements.
        """
        return lambda body: _test(body, requirements[requirement_id], rigging)

    return rule


rule = ruling(REQUIREMENTS, rigged)
"""For providers."""


def _test(body: RuleBody, requirement: Requirement, rigging: Rigging) -> RuleTest:
    def test(self: Suite) -> None:
        rig_wire: list[str] = []
        try:
            anyio.run(_run, body, self, rigging, rig_wire)
        except NotApplicable:
            raise
        except Exception as error:
            error.add_note(f"{requirement.id} ({requirement.level}): {requirement.text}")
            error.add_note(f"see {requirement.link}")
            error.add_note("\n".join(["on the wire:", *rig_wire[-WIRE_LINES:]]))
            raise

    test.__name__ = test.__qualname__ = getattr(body, "__name__", requirement.id)
    test.__doc__ = requirement.text
    test.__module__ = body.__module__
    test.requirement = requirement.id  # type: ignore[attr-defined]
    return test


async def _run(body: RuleBody, suite: Suite, rigging: Rigging, wire: list[str]) -> None:
    broken: Exception | None = None
    with anyio.fail_after(DEADLINE_SECONDS):
        async with rigging(suite.harness_type()) as rig:
            try:
                await body(suite, rig)
            except Exception as error:  # raised below, outside of the plugin's task groups
                broken = error
            wire += rig.wire
    if broken is not None:
        raise broken


def equal(what: str, got: object, wanted: object) -> None:
    """`what` must be equal."""
    if got != wanted:
        raise RuleBroken(f"{what}: got {got!r}, wanted {wanted!r}")


def hold(condition: bool, what: str) -> None:
    """`condition` must hold; `what` says what was seen instead."""
    if not condition:
        raise RuleBroken(what)


def applies(condition: bool, reason: str) -> None:
    """The rule ends here unless `condition` holds; `reason` is for the report."""
    if not condition:
        raise NotApplicable(reason)


@contextmanager
def refused(error: type[Exception], what: str) -> Iterator[list[Exception]]:
    """`what` must raise `error`; yields a list that holds it afterwards."""
    caught: list[Exception] = []
    try:
        yield caught
    except error as expected:
        caught.append(expected)
        return
    except Exception as other:
        raise RuleBroken(f"{what}: raised {other!r}, wanted {error.__name__}") from other
    raise RuleBroken(f"{what}: was accepted, wanted {error.__name__}")
