"""How does a plugin do, rule by rule? The suite without pytest, for the command and mutants."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voicecall_conformance.kinds import kind_of
from voicecall_conformance.requirements import Requirement
from voicecall_conformance.rules import NotApplicable, RuleBroken, Suite
from voicecall_conformance.sealed import proofs_in


class Outcome(StrEnum):
    """What came of one rule."""

    KEPT = "kept"
    BROKEN = "broken"
    DEVIATES = "deviates"
    """Broken, as the harness says."""
    NOT_APPLICABLE = "not-applicable"
    """About something that the plugin or its carrier does not have."""
    OUTDATED = "outdated"
    """Kept, though the harness says that it deviates; the deviation has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One rule and one plugin.

    Args:
        detail: what broke it, why the plugin deviates, or why the rule does not apply.
        wire: the rule's text, its link, and what went over the wire when it broke.
    """

    requirement: Requirement
    outcome: Outcome
    detail: str = ""
    wire: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done."""
        return self.outcome not in (Outcome.BROKEN, Outcome.OUTDATED)


def prove(harness: type[Any], only: Collection[str] | None = None) -> Iterator[Result]:
    """Run the rules `only`, or all, in the order of the manual, against `harness`'s plugin."""
    kind = kind_of(harness)
    suite = type("Proved", (kind.conformance,), {"harness_type": harness})()
    tests = {requirement: name for name, requirement in proofs_in(kind.conformance)}
    for requirement in kind.requirements.values():
        if only is None or requirement.id in only:
            yield _prove(suite, tests[requirement.id], requirement)


def _prove(suite: Suite, test: str, requirement: Requirement) -> Result:
    deviation = suite.harness_type.deviations.get(requirement.id)
    try:
        getattr(suite, test)()
    except NotApplicable as reason:
        outcome = Outcome.NOT_APPLICABLE if deviation is None else Outcome.OUTDATED
        return Result(requirement=requirement, outcome=outcome, detail=str(reason))
    except Exception as error:
        if deviation is not None:
            outcome, detail = Outcome.DEVIATES, deviation.reason
        else:
            outcome, detail = Outcome.BROKEN, _told(error)
        wire = "\n".join(getattr(error, "__notes__", ()))
        return Result(requirement=requirement, outcome=outcome, detail=detail, wire=wire)
    outcome = Outcome.KEPT if deviation is None else Outcome.OUTDATED
    return Result(requirement=requirement, outcome=outcome)


def _told(error: Exception) -> str:
    """What broke a rule, without the task groups around it."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if isinstance(error, RuleBroken):
        return str(error)
    return f"{type(error).__name__}: {error}"
