"""Is the manifest whole: one test a rule, one rule a test, and none softened?"""

from collections import Counter

import pytest

from voicecall_conformance import REQUIREMENTS, ProviderConformance
from voicecall_conformance.provider_suite import proofs_in


def test_every_rule_has_one_test_and_every_test_a_rule() -> None:
    tested = Counter(requirement for _, requirement in proofs_in(ProviderConformance))
    assert set(tested) == set(REQUIREMENTS)
    assert set(tested.values()) == {1}
    unruled = {name for name in dir(ProviderConformance) if name.startswith("test")}
    assert unruled == {name for name, _ in proofs_in(ProviderConformance)}


def test_what_a_rule_implies_are_other_rules() -> None:
    for requirement in REQUIREMENTS.values():
        assert set(requirement.implies) <= set(REQUIREMENTS) - {requirement.id}


def test_overriding_a_rule_is_refused() -> None:
    name = next(name for name, _ in proofs_in(ProviderConformance))
    with pytest.raises(TypeError, match=name):
        type("TestSoft", (ProviderConformance,), {name: lambda self: None})
