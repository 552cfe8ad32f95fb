"""Is the manifest whole: one test a rule, one rule a test, and none softened?"""

from collections import Counter
from pathlib import Path

import pytest

from voicecall_conformance import REQUIREMENTS, Deviation, ProviderConformance, ProviderHarness
from voicecall_conformance.sealed import proofs_in


@pytest.fixture
def repo() -> Path:
    return Path(__file__).resolve().parents[2]


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


def test_overriding_a_rule_by_a_class_that_is_mixed_in_is_refused_too() -> None:
    name = next(name for name, _ in proofs_in(ProviderConformance))
    soft = type("Soft", (), {name: lambda self: None})
    with pytest.raises(TypeError, match=name):
        type("TestSoft", (soft, ProviderConformance), {})


def test_a_rule_says_where_the_manual_has_it(repo: Path) -> None:
    for requirement in REQUIREMENTS.values():
        path, _, anchor = requirement.link.partition("#")
        page = (repo / path).read_text(encoding="utf-8")
        assert f'<a id="{anchor}"></a>' in page, requirement.link


def test_a_deviation_from_no_rule_is_refused() -> None:
    with pytest.raises(TypeError, match="events.couses"):
        type("Odd", (ProviderHarness,), {"deviations": {"events.couses": Deviation("unheard of")}})


def test_a_deviation_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="why"):
        Deviation(" ")
