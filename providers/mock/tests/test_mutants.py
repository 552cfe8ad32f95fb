"""Is every fault that can be seeded into a provider caught by the rule meant for it?"""

import os
from collections.abc import Collection

import pytest

from voicecall_conformance.mutants import MUTANTS, Mutant, renewing
from voicecall_conformance.mutants.hunt import Catch, Verdict, hunt
from voicecall_conformance.requirements import REQUIREMENTS
from voicecall_mock.network.commanded import CommandedHarness
from voicecall_mock.testing import MockHarness

pytestmark = pytest.mark.mutants

FULL = bool(os.environ.get("VOICECALL_FULL"))


def watched(mutant: type[Mutant]) -> Collection[str]:
    """The rules to run: all of them, or only those of the area where the fault sits."""
    area = REQUIREMENTS[mutant.breaks].area
    return [rule.id for rule in REQUIREMENTS.values() if FULL or rule.area == area]


def verdicts(mutant: type[Mutant]) -> list[Verdict]:
    """What becomes of a fault: in both networks, or in the first in which it can show."""
    found: list[Verdict] = []
    for harness in (MockHarness, CommandedHarness):
        found.append(hunt(harness, mutant, watched(mutant)))
        if not FULL and found[-1].catch is not Catch.IRRELEVANT:
            break
    return found


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_is_caught_by_its_rule_and_by_no_stranger(mutant: type[Mutant]) -> None:
    found = verdicts(mutant)
    assert [verdict for verdict in found if not verdict.is_good] == []
    needs_another = {
        *(mutant.__name__ for mutant in renewing.MUTANTS),
        "InsistsOnOneUrl",
        "LeavesTheSecretOutLater",
        "LeavesTheSecretOutOfCommands",
        "MakesUpAWindow",
        "TrustsTheQuery",
    }
    caught = any(verdict.catch is Catch.CAUGHT for verdict in found)
    assert caught or mutant.__name__ in needs_another, "it shows in no network"


def test_every_rule_has_a_fault_that_it_catches() -> None:
    assert {mutant.breaks for mutant in MUTANTS} == set(REQUIREMENTS)
