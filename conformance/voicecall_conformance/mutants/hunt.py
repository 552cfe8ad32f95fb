"""Is a seeded fault caught, by the rule meant for it and by no stranger?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from voicecall_conformance.harness import ProviderHarness
from voicecall_conformance.mutants.wrapped import Mutant, infect
from voicecall_conformance.requirements import REQUIREMENTS
from voicecall_conformance.runner import Outcome, prove


class Catch(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    ESCAPED = "escaped"
    """Its rule did not see it."""
    STRAYED = "strayed"
    """A rule that has nothing to do with it broke too."""
    IRRELEVANT = "irrelevant"
    """It cannot show in this provider, which does not keep the rule or has no use for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One fault in one provider. `strangers`: the rules that should not have broken."""

    mutant: type[Mutant]
    catch: Catch
    strangers: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the suite did what it is for."""
        return self.catch in (Catch.CAUGHT, Catch.IRRELEVANT)


def hunt(
    harness: type[ProviderHarness], mutant: type[Mutant], only: Collection[str] = REQUIREMENTS
) -> Verdict:
    """Seed `mutant` into the provider of `harness` and run the rules `only` against it."""
    if not mutant.fits(harness()):
        return Verdict(mutant=mutant, catch=Catch.IRRELEVANT)
    broken = _broken(infect(harness, mutant), only)
    if mutant.breaks not in broken:
        (genuine,) = prove(harness, [mutant.breaks])
        kept = genuine.outcome is Outcome.KEPT
        return Verdict(mutant=mutant, catch=Catch.ESCAPED if kept else Catch.IRRELEVANT)
    strangers = broken - {mutant.breaks, *REQUIREMENTS[mutant.breaks].implies}
    if strangers:
        strangers -= _broken(harness, strangers)
    catch = Catch.STRAYED if strangers else Catch.CAUGHT
    return Verdict(mutant=mutant, catch=catch, strangers=tuple(sorted(strangers)))


def _broken(harness: type[ProviderHarness], only: Collection[str]) -> set[str]:
    return {
        result.requirement.id for result in prove(harness, only) if result.outcome is Outcome.BROKEN
    }
