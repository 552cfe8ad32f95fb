"""Is every fault that an exposure can have caught by its rule, and by no stranger?"""

import os
from typing import Any

import pytest

from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.kinds import KINDS
from voicecall_conformance.mutants.hunt import Catch, hunt
from voicecall_expose_cloudflared.harness import NamedHarness

pytestmark = pytest.mark.mutants

FULL = bool(os.environ.get("VOICECALL_FULL"))
"""Each fault meets the whole suite, not only the rule that has to catch it."""

FAULTS = KINDS["exposure"].faults()
WITHOUT_SECRETS = {"exposure.drifts"}
"""What only the quick tunnel has, which has no secret; the other faults meet the named one."""


@pytest.mark.parametrize("mutant", FAULTS, ids=[mutant.__name__ for mutant in FAULTS])
def test_a_fault_is_caught_by_its_rule_and_by_no_stranger(mutant: type[Any]) -> None:
    quick = mutant.breaks in WITHOUT_SECRETS
    harness = harness_of("exposure:cloudflared") if quick else NamedHarness
    verdict = hunt(harness, mutant, None if FULL else [mutant.breaks])
    assert (verdict.catch, verdict.strangers) == (Catch.CAUGHT, ())
