"""How does a provider do, rule by rule? The suite without pytest, for the command and mutants."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.provider_suite import ProviderConformance, proofs_in
from voicecall_conformance.requirements import REQUIREMENTS, Requirement
from voicecall_conformance.rules import NotApplicable, RuleBroken


class Outcome(StrEnum):
    """What came of one rule."""

    KEPT = "kept"
    BROKEN = "broken"
    DEVIATES = "deviates"
    """Broken, as the provider says."""
    NOT_APPLICABLE = "not-applicable"
    """About something that the carrier does not have."""
    OUTDATED = "outdated"
    """Kept, though the provider says that it deviates; the deviation has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One rule and one provider.

    Args:
        detail: what broke it, why the provider deviates, or why the rule does not apply.
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


def prove(harness: type[ProviderHarness], only: Collection[str] = REQUIREMENTS) -> Iterator[Result]:
    """Run the rules `only`, in the order of the manual, against `harness`'s provider."""
    suite = type("Proved", (ProviderConformance,), {"harness_type": harness})()
    tests = {requirement: name for name, requirement in proofs_in(ProviderConformance)}
    for requirement in REQUIREMENTS.values():
        if requirement.id in only:
            yield _prove(suite, tests[requirement.id], requirement)


def _prove(suite: ProviderConformance, test: str, requirement: Requirement) -> Result:
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
