"""Is a seeded fault caught, by the rule meant for it and by no stranger?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voicecall_conformance.kinds import kind_of
from voicecall_conformance.runner import Outcome, prove


class Catch(StrEnum):
    """What became of a fault."""

    CAUGHT = "caught"
    ESCAPED = "escaped"
    """Its rule did not see it."""
    STRAYED = "strayed"
    """A rule that has nothing to do with it broke too."""
    IRRELEVANT = "irrelevant"
    """It cannot show in this plugin, which does not keep the rule or has no use for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One fault in one plugin. `strangers`: the rules that should not have broken."""

    mutant: type[Any]
    catch: Catch
    strangers: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether the suite did what it is for."""
        return self.catch in (Catch.CAUGHT, Catch.IRRELEVANT)


def hunt(harness: type[Any], mutant: type[Any], only: Collection[str] | None = None) -> Verdict:
    """Seed `mutant` into the plugin of `harness` and run the rules `only`, or all, against it."""
    kind = kind_of(harness)
    if not mutant.fits(harness()):
        return Verdict(mutant=mutant, catch=Catch.IRRELEVANT)
    broken = _broken(kind.infect(harness, mutant), only)
    if mutant.breaks not in broken:
        (genuine,) = prove(harness, [mutant.breaks])
        kept = genuine.outcome is Outcome.KEPT
        return Verdict(mutant=mutant, catch=Catch.ESCAPED if kept else Catch.IRRELEVANT)
    strangers = broken - {mutant.breaks, *kind.requirements[mutant.breaks].implies}
    if strangers:
        strangers -= _broken(harness, strangers)
    catch = Catch.STRAYED if strangers else Catch.CAUGHT
    return Verdict(mutant=mutant, catch=catch, strangers=tuple(sorted(strangers)))


def _broken(harness: type[Any], only: Collection[str] | None) -> set[str]:
    return {
        result.requirement.id for result in prove(harness, only) if result.outcome is Outcome.BROKEN
    }
