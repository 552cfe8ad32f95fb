"""Are the suites of all kinds of plugin whole: a test a rule, a fault a rule, in the manual?"""

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner

from voicecall.sdk import PluginError
from voicecall_conformance import Deviation, TtsConformance, TtsHarness
from voicecall_conformance.catalogue import harness_of
from voicecall_conformance.command import conformance
from voicecall_conformance.kinds import KINDS, Kind
from voicecall_conformance.sealed import proofs_in

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


@every_kind
def test_every_rule_has_one_test_and_every_test_a_rule(kind: Kind) -> None:
    tested = Counter(requirement for _, requirement in proofs_in(kind.conformance))
    assert tested == Counter(dict.fromkeys(kind.requirements, 1))
    unruled = {name for name in dir(kind.conformance) if name.startswith("test")}
    assert unruled == {name for name, _ in proofs_in(kind.conformance)}


@every_kind
def test_what_a_rule_implies_are_other_rules(kind: Kind) -> None:
    for requirement in kind.requirements.values():
        assert set(requirement.implies) <= set(kind.requirements) - {requirement.id}


@every_kind
def test_every_rule_has_a_fault_that_it_catches(kind: Kind) -> None:
    assert {mutant.breaks for mutant in kind.faults()} == set(kind.requirements)


@every_kind
def test_the_manual_has_every_rule(kind: Kind) -> None:
    repo = Path(__file__).resolve().parents[2]
    for requirement in kind.requirements.values():
        path, _, anchor = requirement.link.partition("#")
        assert f'<a id="{anchor}"></a>' in (repo / path).read_text(encoding="utf-8")


@every_kind
def test_overriding_a_rule_is_refused(kind: Kind) -> None:
    name = next(name for name, _ in proofs_in(kind.conformance))
    with pytest.raises(TypeError, match=name):
        type("TestSoft", (kind.conformance,), {name: lambda self: None})
    soft = type("Soft", (), {name: lambda self: None})
    with pytest.raises(TypeError, match=name):
        type("TestSoft", (soft, kind.conformance), {})


@every_kind
def test_a_deviation_from_no_rule_is_refused(kind: Kind) -> None:
    with pytest.raises(TypeError, match="unheard"):
        type("Odd", (kind.harness,), {"deviations": {"unheard.of": Deviation("of it")}})


def test_a_plugin_is_named_by_its_kind_and_its_name() -> None:
    assert issubclass(harness_of("tts:tones"), TtsHarness)
    assert harness_of("provider:mock") is harness_of("mock")
    with pytest.raises(PluginError, match=r"tts 'nobody'.*tones"):
        harness_of("tts:nobody")
    with pytest.raises(PluginError, match="kind 'sst'.*tts"):
        harness_of("sst:tones")


def test_a_name_alone_is_a_providers_and_another_kinds_is_suggested() -> None:
    with pytest.raises(PluginError, match="provider 'tones'.*there is tts:tones"):
        harness_of("tones")


def test_the_command_proves_a_plugin_of_another_kind() -> None:
    ran = CliRunner().invoke(conformance, ["tts:tones"])
    assert ran.exit_code == 0, ran.output
    assert "deviates  tts.blank" in ran.stdout
    assert f"tts:tones: {len(KINDS['tts'].requirements)} rules" in ran.stdout


def test_the_document_names_the_plugin_under_its_kind() -> None:
    ran = CliRunner().invoke(conformance, ["tts:tones", "--json"])
    told = json.loads(ran.stdout)
    assert (told["tts"], told["ok"]) == ("tones", True)
    assert [rule["id"] for rule in told["rules"]] == list(KINDS["tts"].requirements)


def test_everything_that_can_be_proved_is_listed() -> None:
    listed = CliRunner().invoke(conformance, ["--list"]).stdout.split()
    assert {"mock", "tts:openai", "responder:http"} <= set(listed)
    assert all(issubclass(harness_of(name), object) for name in listed)


def test_the_help_names_every_kind() -> None:
    told = CliRunner().invoke(conformance, ["--help"]).stdout
    assert all(kind in told for kind in KINDS)


def test_a_suite_needs_nothing_but_a_harness() -> None:
    assert type("TestTones", (TtsConformance,), {"harness_type": harness_of("tts:tones")})
