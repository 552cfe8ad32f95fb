"""Is every fault that can be seeded into a plugin caught by its rule, and by no stranger?"""

import os
from typing import Any

import pytest

from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.kinds import KINDS
from voicecall_conformance.mutants import renewing
from voicecall_conformance.mutants.hunt import Catch, hunt

pytestmark = pytest.mark.mutants

FULL = bool(os.environ.get("VOICECALL_FULL"))
"""Each fault meets the whole suite, not only the rule that has to catch it."""

WITH_A_VENDOR = {"tts": "tts:openai", "responder": "responder:http"}
"""By kind: a plugin in which every fault can show."""
FAULTS = [(kind, mutant) for kind in WITH_A_VENDOR for mutant in KINDS[kind].faults()]


@pytest.mark.parametrize(
    ("kind", "mutant"), FAULTS, ids=[f"{kind}-{mutant.__name__}" for kind, mutant in FAULTS]
)
def test_a_fault_is_caught_by_its_rule_and_by_no_stranger(kind: str, mutant: type[Any]) -> None:
    verdict = hunt(harness_of(WITH_A_VENDOR[kind]), mutant, None if FULL else [mutant.breaks])
    assert (verdict.catch, verdict.strangers) == (Catch.CAUGHT, ())


@pytest.mark.parametrize("carrier", ["plivo", "telnyx", "twilio"])
@pytest.mark.parametrize("mutant", renewing.MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_in_changing_secrets_is_caught(carrier: str, mutant: type[Any]) -> None:
    verdict = hunt(harness_of(f"provider:{carrier}"), mutant, [mutant.breaks])
    assert verdict.catch is Catch.CAUGHT
