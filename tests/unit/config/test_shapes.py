"""Are both shapes of a file read, merged and migrated to mean the same?"""

from pathlib import Path
from typing import Any

import pytest

from voicecall.config.loader import load_config
from voicecall.errors import ConfigError


def gateway(config: str, *, entry: str = "enabled: true,", rest: str = "") -> str:
    return (
        f'{{ plugins: {{ entries: {{ "voice-call": {{ {entry} config: {config} }} }} }}, {rest} }}'
    )


def test_the_two_shapes_mean_the_same(load: Any) -> None:
    section = '{ provider: "mock", maxConcurrentCalls: 7, tts: { provider: "worse" } }'
    bare, whole = load(section), load(gateway(section))
    assert bare.settings == whole.settings
    assert bare.tts == whole.tts


def test_the_bare_shape_is_on_by_default_and_the_gateway_shape_off(load: Any) -> None:
    assert load("{}").settings.enabled is True
    assert load("{ agents: {} }").settings.enabled is False
    assert load(gateway("{}", entry="")).settings.enabled is False
    assert load(gateway("{}")).settings.enabled is True
    assert load(gateway("{ enabled: false }")).settings.enabled is False


def test_what_belongs_to_others_in_a_gateway_file_is_ignored(load: Any) -> None:
    loaded = load(gateway("{}", rest='models: { x: 1, x: 2, __proto__: 1 }, channels: { a: "b" }'))
    assert loaded.warnings == ()


def test_a_problem_in_a_gateway_file_has_its_whole_path(problems: Any) -> None:
    (problem,) = problems(gateway("{ serve: { prt: 1 } }"))
    assert problem.key_path == 'plugins.entries["voice-call"].config.serve.prt'


def test_a_slip_beside_the_section_is_an_error(problems: Any) -> None:
    (problem,) = problems(gateway("{}", entry="enabeld: true,"))
    assert "did you mean 'enabled'" in problem.suggestion


@pytest.mark.parametrize("where", ["messages: { tts: %s }", "messages: {}, tts: %s"])
def test_core_speech_settings_lie_under_ours(load: Any, where: str) -> None:
    core = '{ provider: "cloud", cloud: { apiKey: "a", voice: "core", speed: 2 }, auto: "off" }'
    loaded = load(gateway('{ tts: { cloud: { voice: "ours" } } }', rest=where % core))
    assert loaded.tts.spec.name == "cloud"
    assert (loaded.tts.config.voice, loaded.tts.config.speed) == ("ours", 2)
    assert loaded.tts.config.api_key.get_secret_value() == "a"
    assert loaded.warnings == ()


def test_newer_core_speech_settings_lie_over_older_ones(load: Any) -> None:
    older = 'messages: { tts: { offline: { voice: "old", speed: 3 } } }'
    newer = 'tts: { offline: { voice: "new" } }'
    config = load(gateway("{}", rest=f"{older}, {newer}")).tts.config
    assert (config.voice, config.speed) == ("new", 3)


def test_a_section_under_providers_wins_over_its_twin_outside(load: Any) -> None:
    loaded = load(
        '{ tts: { offline: { voice: "a", speed: 2 }, providers: { offline: { voice: "b" } } } }'
    )
    assert (loaded.tts.config.voice, loaded.tts.config.speed) == ("b", 2)


def test_unknown_keys_of_core_speech_are_others_business(problems: Any) -> None:
    rest = "messages: { tts: { fancy: 1, gadgets: { x: 1 }, offline: { shine: 2 } } }"
    (problem,) = problems(gateway("{}", rest=rest))
    assert (problem.severity, problem.key_path) == ("warning", "messages.tts.offline.shine")


@pytest.mark.parametrize("name", ["edge", "microsoft"])
def test_voices_that_cannot_phone_are_skipped_with_a_word(load: Any, name: str) -> None:
    rest = f'messages: {{ tts: {{ provider: "{name}", {name}: {{ voice: "x" }} }} }}'
    loaded = load(gateway("{}", rest=rest))
    assert loaded.tts.spec.name == "offline"
    assert all(f"{name!r} cannot speak on the phone" in p.message for p in loaded.warnings)
    assert len(loaded.warnings) == 2


def test_of_several_voices_the_first_takes_the_place_of_one_that_is_skipped(load: Any) -> None:
    sections = 'worse: { voice: "x" }, offline: { voice: "y" }'
    loaded = load(gateway("{}", rest=f'messages: {{ tts: {{ provider: "edge", {sections} }} }}'))
    assert loaded.tts.spec.name == "worse"
    assert len(loaded.warnings) == 1


def test_legacy_keys_are_read_and_name_the_new_ones(load: Any) -> None:
    loaded = load(
        '{ provider: "log", streaming: { enabled: true, sttProvider: "openai-realtime",'
        ' openaiApiKey: "k", sttModel: "fast" } }'.replace(', sttModel: "fast"', "")
    )
    assert loaded.provider.spec.name == "mock"
    assert loaded.stt.spec.name == "openai"
    assert loaded.stt.config.api_key.get_secret_value() == "k"
    assert [(p.key_path, p.suggestion) for p in loaded.warnings] == [
        ("provider", 'write "mock"'),
        ("streaming.sttProvider", "rename it to 'streaming.provider'"),
        ("streaming.openaiApiKey", "rename it to 'streaming.providers.openai.apiKey'"),
    ]


def test_the_older_name_of_the_ngrok_bypass_is_read(load: Any) -> None:
    loaded = load("{ tunnel: { allowNgrokFreeTier: false } }")
    renamed = "rename it to 'tunnel.allowNgrokFreeTierLoopbackBypass'"
    assert loaded.warnings[0].suggestion == renamed


def test_a_mistake_under_a_legacy_key_is_shown_where_it_stands(problems: Any) -> None:
    found = problems('{ streaming: { sttModel: 5, openaiApiKey: "k" } }')
    assert ("error", "streaming.sttModel") in [(p.severity, p.key_path) for p in found]


def test_a_current_key_wins_over_its_legacy_twin(load: Any) -> None:
    loaded = load('{ fromNumber: "+15550001111", twilio: { from: "+15550002222" } }')
    assert loaded.settings.from_number == "+15550001111"
    assert "the new key is set and wins" in loaded.warnings[0].message


@pytest.mark.parametrize(
    "text",
    [
        'stt: { provider: "openai", model: "whisper-1" }',
        'tts: { auto: "off" }',
        'tts: { mode: "final" }',
        'tts: { summaryModel: "x" }',
        "tts: { modelOverrides: { enabled: true } }",
        'tts: { prefsPath: "x" }',
        "tts: { timeoutMs: 5000 }",
        "tts: { maxTextLength: 5 }",
        "realtime: { enabled: false, tools: [] }",
        "reports: {}",
        'tailscale: { mode: "off", path: "/voice/webhook" }',
        'tunnel: { ngrokDomain: "x.test" }',
    ],
)
def test_a_known_key_without_use_is_a_warning(problems: Any, text: str) -> None:
    (problem,) = problems(f"{{ {text} }}")
    assert problem.severity == "warning"


def test_realtime_calls_are_not_supported_yet(problems: Any) -> None:
    (problem,) = problems("{ realtime: { enabled: true } }")
    assert (problem.severity, problem.message) == ("error", "realtime calls are not supported yet")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    for folder in (home / ".voicecall", home / ".openclaw", tmp_path / "here"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return home


def test_files_are_searched_in_order(home: Path, registry: Any) -> None:
    environ = {"HOME": str(home), "VOICECALL_CONFIG": ""}
    assert load_config(None, registry, environ=environ).path is None
    places = [
        home / ".openclaw/openclaw.json",
        home / ".voicecall/voicecall.json5",
        Path("voicecall.json5"),
        home / "named.json5",
        home / "option.json5",
    ]
    for count, place in enumerate(places):
        place.write_text(f"{{ maxConcurrentCalls: {count + 1} }}")
        if count == 3:
            environ["VOICECALL_CONFIG"] = str(place)
        option = place if count == 4 else None
        loaded = load_config(option, registry, environ=environ)
        assert (loaded.path, loaded.settings.max_concurrent_calls) == (place, count + 1)


def test_without_any_file_everything_is_default(home: Path, registry: Any) -> None:
    loaded = load_config(None, registry, environ={"HOME": str(home)})
    assert (loaded.provider.spec.name, loaded.settings.enabled) == ("mock", True)
    with pytest.raises(ConfigError, match="named by .VOICECALL_CONFIG"):
        load_config(None, registry, environ={"VOICECALL_CONFIG": "/gone/x.json5"})
