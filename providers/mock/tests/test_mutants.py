"""Is every fault that can be seeded into the mock provider caught by the rule meant for it?"""

import os
from collections.abc import Collection

import pytest

from voicecall_conformance.mutants import MUTANTS, Mutant, infect
from voicecall_conformance.requirements import REQUIREMENTS
from voicecall_conformance.runner import Outcome, prove
from voicecall_mock.testing import MockHarness

pytestmark = pytest.mark.mutants


def watched(mutant: type[Mutant]) -> Collection[str]:
    """The rules to run: all of them, or only those of the area where the fault sits."""
    if os.environ.get("VOICECALL_FULL"):
        return REQUIREMENTS
    area = REQUIREMENTS[mutant.breaks].area
    return {rule for rule, requirement in REQUIREMENTS.items() if requirement.area == area}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_is_caught_by_its_rule_and_by_no_stranger(mutant: type[Mutant]) -> None:
    results = prove(infect(MockHarness, mutant), watched(mutant))
    broken = {result.requirement.id for result in results if result.outcome is Outcome.BROKEN}
    assert mutant.breaks in broken
    assert broken <= {mutant.breaks, *REQUIREMENTS[mutant.breaks].implies}


def test_every_rule_has_a_fault_that_it_catches() -> None:
    assert {mutant.breaks for mutant in MUTANTS} == set(REQUIREMENTS)
