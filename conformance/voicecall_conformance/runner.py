"""How does a provider do, rule by rule? The suite without pytest, for the command and mutants."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.provider_suite import ProviderConformance, proofs_in
from voicecall_conformance.requirements import REQUIREMENTS, Requirement


class Outcome(StrEnum):
    """What came of one rule."""

    KEPT = "kept"
    BROKEN = "broken"
    DEVIATES = "deviates"
    """Broken, as the provider says."""
    OUTDATED = "outdated"
    """Kept, though the provider says that it deviates; the deviation has to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One rule and one provider. `detail`: what broke it, or the reason of the deviation."""

    requirement: Requirement
    outcome: Outcome
    detail: str = ""
    wire: str = ""

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done."""
        return self.outcome in (Outcome.KEPT, Outcome.DEVIATES)


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
    except Exception as error:
        if deviation is not None:
            outcome, detail = Outcome.DEVIATES, deviation.reason
        else:
            outcome, detail = Outcome.BROKEN, f"{type(error).__name__}: {error}"
        wire = "\n".join(getattr(error, "__notes__", ()))
        return Result(requirement=requirement, outcome=outcome, detail=detail, wire=wire)
    outcome = Outcome.KEPT if deviation is None else Outcome.OUTDATED
    return Result(requirement=requirement, outcome=outcome)
