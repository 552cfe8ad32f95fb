"""Does every section belong to its plugin, and is what nobody owns treated as it deserves?"""

from dataclasses import replace
from typing import Any, Self

import pytest
from pydantic import field_validator, model_validator

from voicecall.config.problems import Severity
from voicecall.plugins.registry import LoadedPlugin, Registry
from voicecall.plugins.report import PluginReport
from voicecall.sdk import Section


class Faulty(Section):
    voice: str = "plain"

    @field_validator("voice")
    @classmethod
    def _fails(cls, value: str) -> str:
        raise TypeError(value)


def test_a_section_of_a_third_party_is_read_into_its_own_model(load: Any) -> None:
    loaded = load(
        '{ provider: "acme", fromNumber: "+15550001111", publicUrl: "https://x.test/",'
        '  acme: { accountSid: "A", authToken: "t", region: "there" } }'
    )
    config = loaded.provider.config
    assert (config.account_sid, config.region) == ("A", "there")
    assert config.auth_token.get_secret_value() == "t"


def test_a_problem_in_a_section_names_the_plugin_that_owns_it(problems: Any) -> None:
    (problem,) = problems('{ acme: { accountSid: "A", region: "nowhere" } }')
    assert problem.owner == "built-for-a-test 0"
    assert problem.key_path == "acme.region"
    assert "'here' or 'there'" in problem.message


def test_a_section_that_is_not_selected_is_checked_but_need_not_be_complete(problems: Any) -> None:
    assert problems('{ acme: { accountSid: "A" } }') == []
    assert problems('{ acme: { authToken: "${NOT_SET}" } }') == []
    (problem,) = problems('{ acme: { authToken: { evn: "X" } } }')
    assert "a secret is a string" in problem.message


def test_an_object_that_nobody_owns_is_a_warning_with_the_command_to_install(
    problems: Any,
) -> None:
    found = problems(
        "{ stranger: {}, tts: { cosy: {} }, streaming: { providers: { whisper: {} } },"
        "  responders: { oracle: {} }, vad: { gate: {} } }"
    )
    assert {problem.severity for problem in found} == {Severity.WARNING}
    assert [problem.suggestion.rsplit(" ", 1)[1] for problem in found] == [
        "voicecall-stranger",
        "voicecall-tts-cosy",
        "voicecall-stt-whisper",
        "voicecall-responder-oracle",
        "voicecall-vad-gate",
    ]


@pytest.mark.parametrize(
    ("text", "distribution"),
    [
        ('{ provider: "stranger", stranger: {} }', "voicecall-stranger"),
        ('{ tts: { provider: "cosy", cosy: {} } }', "voicecall-tts-cosy"),
        (
            '{ streaming: { enabled: true, provider: "whisper", providers: { whisper: {} } } }',
            "voicecall-stt-whisper",
        ),
        ('{ responder: "oracle", responders: { oracle: {} } }', "voicecall-responder-oracle"),
        ('{ vad: { provider: "gate", gate: {} } }', "voicecall-vad-gate"),
        ('{ tunnel: { provider: "mole" } }', "voicecall-expose-mole"),
        ('{ sinks: [{ use: "drain" }] }', "voicecall-sink-drain"),
        ('{ tts: { fallback: ["cosy"] } }', "voicecall-tts-cosy"),
    ],
)
def test_an_object_that_nobody_owns_is_one_error_when_it_is_selected(
    problems: Any, text: str, distribution: str
) -> None:
    (problem,) = problems(text)
    assert problem.severity is Severity.ERROR
    assert f"pip install {distribution}" in problem.message
    assert problem.line == 1


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("{ sreve: { port: 1 } }", "serve"),
        ("{ acmee: {} }", "acme"),
        ("{ tts: { clowd: {} } }", "cloud"),
        ("{ tts: { provders: { cloud: {} } } }", "providers"),
        ("{ streaming: { provders: {} } }", "providers"),
        ('{ tunnel: { acmeDomian: "x" } }', "acmeDomain"),
        ('{ publicURL: "https://x.test" }', "publicUrl"),
        ("{ outbound: { gaurd: {} } }", "guard"),
    ],
)
def test_a_slip_is_an_error_that_names_what_was_meant(problems: Any, text: str, meant: str) -> None:
    (problem,) = problems(text)
    assert problem.severity is Severity.ERROR
    assert problem.suggestion == f"did you mean {meant!r}?"


@pytest.mark.parametrize("text", ["{ zzz: 5 }", "{ serve: { zzz: {} } }", "{ tts: { zzz: true } }"])
def test_anything_else_that_nobody_owns_is_an_error(problems: Any, text: str) -> None:
    (problem,) = problems(text)
    assert (problem.severity, problem.message) == (Severity.ERROR, "unknown key 'zzz'")


@pytest.mark.parametrize("text", ["{ acme: 5 }", "{ tts: { providers: { cloud: [] } } }"])
def test_a_section_that_is_no_object_is_an_error(problems: Any, text: str) -> None:
    (problem,) = problems(text)
    assert "must be an object" in problem.message


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ('{ publicUrl: "https://x.test" }', "pip install voicecall-expose-public-url"),
        ('{ tailscale: { mode: "serve" } }', "pip install voicecall-expose-tailscale"),
    ],
)
def test_a_known_key_of_a_plugin_that_is_not_installed_is_an_error_when_it_asks_for_it(
    problems: Any, registry: Registry, text: str, command: str
) -> None:
    (problem,) = problems(text, registry=Registry.of(registry.get("provider", "mock")))
    assert problem.severity is Severity.ERROR
    assert command in problem.suggestion


def test_an_exposure_owns_single_keys_of_the_tunnel(load: Any) -> None:
    loaded = load('{ tunnel: { provider: "acme-tunnel", acmeDomain: "x.test" } }')
    assert loaded.exposure.spec.name == "acme-tunnel"
    assert loaded.exposure.config.acme_domain == "x.test"


def test_a_mistake_in_a_single_key_is_shown_where_it_stands(problems: Any) -> None:
    (problem,) = problems("{ tunnel: { acmeDomain: 5 } }")
    assert problem.key_path == "tunnel.acmeDomain"


def test_a_broken_plugin_matters_only_when_it_is_selected(
    problems: Any, registry: Registry
) -> None:
    broken = PluginReport(
        name="x", distribution="voicecall-broken", version="1", broken="it raised OSError"
    )
    report = PluginReport(name="y", distribution="y", version="1")
    both = Registry(
        [
            LoadedPlugin(report=broken),
            LoadedPlugin(report=report, specs=registry.all_specs()),
        ]
    )
    assert problems("{}", registry=both) == []
    (problem,) = problems('{ provider: "broken" }', registry=both)
    assert "voicecall-broken 1 is broken: it raised OSError" in problem.message


def test_a_plugin_whose_own_check_raises_is_named_and_its_text_is_not_shown(
    problems: Any, registry: Registry
) -> None:
    faulty = replace(registry.get("tts", "worse"), config=Faulty)
    others = [spec for spec in registry.all_specs() if spec.name != "worse"]
    (problem,) = problems(
        '{ tts: { worse: { voice: "canary" } } }', registry=Registry.of(*others, faulty)
    )
    assert (problem.message, problem.key_path) == (
        "the plugin's own check raised TypeError",
        "tts.worse",
    )
    assert "canary" not in str(problem)


class Pair(Section):
    left: str | None = None
    right: str | None = None

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        if (self.left is None) != (self.right is None):
            raise ValueError("Left and right go together")
        return self


def test_what_is_wrong_with_a_whole_section_is_said_as_its_plugin_says_it(
    problems: Any, registry: Registry
) -> None:
    specs = [
        replace(spec, config=Pair) if spec.name == "acme" else spec for spec in registry.all_specs()
    ]
    (problem,) = problems('{ acme: { left: "a" } }', registry=Registry.of(*specs))
    assert (problem.key_path, problem.message) == ("acme", "Left and right go together")
