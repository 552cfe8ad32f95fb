"""Are the right plugins selected, and is what they lack said at start?"""

from dataclasses import replace
from typing import Any

import pytest

from voicecall.errors import ConfigError
from voicecall.plugins.registry import Registry
from voicecall.sdk.specs import ResponderSpec

ACME = '{ provider: "acme", fromNumber: "+15550001111", publicUrl: "https://x.test", %s }'


def one(problems: Any, text: str, environ: Any = None, **more: Any) -> str:
    """The only problem of a configuration, as text."""
    (problem,) = problems(text, environ, **more)
    return str(problem)


def without(registry: Registry, *names: str) -> Registry:
    return Registry.of(*(spec for spec in registry.all_specs() if spec.name not in names))


def test_the_provider_is_mock_when_nothing_is_said(load: Any) -> None:
    assert load("{}").provider.spec.name == "mock"


def test_a_provider_that_is_not_installed_is_an_error(problems: Any) -> None:
    assert "pip install voicecall-nobody" in one(problems, '{ provider: "nobody" }')


def test_the_environment_fills_what_is_missing_of_the_selected_provider(load: Any) -> None:
    environ = {"ACME_SID": "env", "ACME_TOKEN": "canary", "ACME_NUMBER": "+15550009999"}
    loaded = load(
        '{ provider: "acme", publicUrl: "https://x.test", acme: { accountSid: "file" } }', environ
    )
    assert loaded.provider.config.account_sid == "file"
    assert loaded.provider.config.auth_token.get_secret_value() == "canary"
    assert loaded.settings.from_number == "+15550009999"
    assert load("{}", environ).settings.from_number is None


def test_a_bad_value_from_the_environment_names_its_variable(problems: Any) -> None:
    environ = {"ACME_SID": "env", "ACME_TOKEN": "t", "ACME_NUMBER": "nonsense"}
    text = one(problems, '{ provider: "acme", publicUrl: "https://x.test" }', environ)
    assert "environment variable ACME_NUMBER" in text


def test_what_the_selected_provider_lacks_is_reported_with_its_variable(problems: Any) -> None:
    found = problems(ACME % "acme: {}")
    assert [(p.message, p.suggestion) for p in found] == [
        (
            "missing key 'accountSid'",
            "write it, or set environment variable ACME_SID",
        ),
        (
            "missing key 'authToken'",
            "write it, or set environment variable ACME_TOKEN",
        ),
    ]
    assert all(p.key_path.startswith("acme.") and p.line == 1 for p in found)


def test_a_real_carrier_needs_a_number_and_a_public_url(problems: Any) -> None:
    found = problems('{ provider: "acme", acme: { accountSid: "A", authToken: "t" } }')
    assert [p.message for p in found] == [
        "provider 'acme' needs fromNumber",
        "provider 'acme' cannot reach us: nothing makes '/voice/webhook' public",
    ]
    assert "ACME_NUMBER" in found[0].suggestion
    assert "publicUrl" in found[1].suggestion


def test_media_streams_need_a_provider_that_has_them(problems: Any) -> None:
    text = ACME % 'acme: { accountSid: "A", authToken: "t" }, streaming: { enabled: true }'
    assert "provider 'acme' has no media streams" in one(problems, text)


@pytest.mark.parametrize(
    ("tts", "environ", "chosen"),
    [
        ("{}", {}, "offline"),
        ('{ provider: "worse" }', {}, "worse"),
        ("{ worse: {} }", {}, "worse"),
        ("{}", {"CLOUD_KEY": "k"}, "cloud"),
        ("{ worse: {} }", {"CLOUD_KEY": "k"}, "worse"),
        ('{ cloud: { apiKey: "k" }, offline: {}, fallback: ["offline"] }', {}, "cloud"),
    ],
)
def test_speech_is_the_named_or_the_described_or_the_offline_backend(
    load: Any, tts: str, environ: Any, chosen: str
) -> None:
    assert load(f"{{ tts: {tts} }}", environ).tts.spec.name == chosen


def test_several_described_backends_must_be_told_apart(problems: Any) -> None:
    text = one(problems, "{ tts: { worse: {}, offline: {} } }")
    assert "several TTS backends have a section: 'offline', 'worse'" in text
    assert "name one of them in tts.provider" in text


def test_a_backend_without_its_key_fails_at_start(problems: Any) -> None:
    text = one(problems, '{ tts: { provider: "cloud" } }')
    assert "missing key 'apiKey'" in text and "CLOUD_KEY" in text


def test_fallbacks_keep_their_order(load: Any) -> None:
    loaded = load(
        '{ tts: { provider: "cloud", fallback: ["worse", "offline"] } }', {"CLOUD_KEY": "k"}
    )
    assert [selected.spec.name for selected in loaded.tts_fallback] == ["worse", "offline"]


def test_without_media_streams_the_native_voice_is_enough(load: Any, registry: Any) -> None:
    loaded = load("{}", registry=without(registry, "offline", "worse"))
    assert (loaded.tts, loaded.stt) == (None, None)


def test_with_media_streams_the_error_says_what_to_install(problems: Any, registry: Any) -> None:
    bare = without(registry, "offline", "worse", "ear")
    found = problems("{ streaming: { enabled: true } }", registry=bare)
    assert [p.suggestion for p in found] == [
        "try: pip install voicecall-tts-espeak",
        "try: pip install voicecall-stt-sphinx",
    ]
    assert all(p.key_path == "streaming.enabled" for p in found)


def test_recognition_is_opened_only_for_media_streams(load: Any) -> None:
    assert load("{}").stt is None
    assert load("{ streaming: { enabled: true } }").stt.spec.name == "ear"


def test_the_responder_is_named_or_follows_from_the_model(load: Any) -> None:
    assert load("{}").responder is None
    assert load('{ responder: "scripted" }').responder.spec.name == "scripted"
    loaded = load('{ responseModel: "a/b" }', {"MODEL_KEY": "k"})
    assert loaded.responder.spec.name == "model"


def test_a_response_model_without_its_key_fails_at_start(problems: Any) -> None:
    assert "missing key 'apiKey'" in one(problems, '{ responseModel: "a/b" }')


def test_a_model_that_its_responder_refuses_is_reported_where_it_is_named(
    problems: Any, registry: Registry
) -> None:
    def faults(config: Any, models: tuple[str, ...]) -> dict[str, str]:
        assert models == ("a/b", "c/d")
        return {"c/d": "nobody knows where 'c' is"}

    picky = replace(registry.get(ResponderSpec, "model"), model_faults=faults)
    others = without(registry, "model").all_specs()
    number = '"+15550001111": { responseModel: "c/d" }, "+15550002222": { responseModel: "a/b" }'
    (problem,) = problems(
        '{ responseModel: "a/b", numbers: {' + number + "} }",
        {"MODEL_KEY": "k"},
        registry=Registry.of(*others, picky),
    )
    assert problem.message == "nobody knows where 'c' is"
    assert problem.key_path == 'numbers["+1555•••1111"].responseModel'


def test_a_responder_that_raises_about_models_is_named(problems: Any, registry: Registry) -> None:
    def fails(config: Any, models: tuple[str, ...]) -> dict[str, str]:
        raise RuntimeError("secret")

    broken = replace(registry.get(ResponderSpec, "model"), model_faults=fails)
    others = without(registry, "model").all_specs()
    text = one(
        problems,
        '{ responseModel: "a/b" }',
        {"MODEL_KEY": "k"},
        registry=Registry.of(*others, broken),
    )
    assert "responder 'model': `model_faults` raised RuntimeError" in text
    assert "secret" not in text


def test_a_response_model_without_its_plugin_says_what_to_install(
    problems: Any, registry: Any
) -> None:
    text = one(problems, '{ responseModel: "a/b" }', registry=without(registry, "model"))
    assert "pip install voicecall-responder-model" in text


def test_the_exposure_of_the_lowest_precedence_wins_with_a_warning(load: Any) -> None:
    loaded = load(
        '{ publicUrl: "https://x.test", tunnel: { provider: "acme-tunnel" },'
        '  valley: { mode: "on" } }'
    )
    assert loaded.exposure.spec.name == "public-url"
    (warning,) = loaded.warnings
    assert "'public-url' is in force, 'acme-tunnel', 'valley' not" in warning.message
    assert load('{ valley: { mode: "off" } }').exposure is None
    assert load('{ valley: { mode: "on" } }').exposure.spec.name == "valley"


def test_a_tunnel_that_is_not_installed_is_named_by_its_package(problems: Any) -> None:
    text = one(problems, '{ tunnel: { provider: "alp-funnel" } }')
    assert "pip install voicecall-expose-alp\n" in text + "\n"


def test_a_tunnel_goes_by_any_of_its_names_and_before_what_is_wanted_otherwise(load: Any) -> None:
    loaded = load('{ tunnel: { provider: "valley-on" }, valley: { mode: "off" } }')
    assert (loaded.exposure.spec.name, loaded.exposure.config.mode) == ("valley", "on")
    assert not loaded.warnings
    both = load('{ tunnel: { provider: "acme-tunnel" }, valley: { mode: "on" } }')
    assert both.exposure.spec.name == "acme-tunnel"
    assert "'acme-tunnel' is in force, 'valley' not" in both.warnings[0].message


def test_an_exposure_that_raises_is_named(problems: Any, registry: Any) -> None:
    def fails(config: Any) -> bool:
        raise RuntimeError("secret")

    broken = replace(registry.get("exposure", "valley"), wanted=fails)
    others = without(registry, "valley").all_specs()
    text = one(problems, "{ valley: {} }", registry=Registry.of(*others, broken))
    assert "exposure 'valley': `wanted` raised RuntimeError" in text


def test_sinks_are_read_into_their_models_one_by_one(load: Any, problems: Any) -> None:
    loaded = load('{ sinks: [{ use: "hook", url: "a" }, { use: "hook", url: "b" }] }')
    assert [sink.config.url for sink in loaded.sinks] == ["a", "b"]
    (problem,) = problems('{ sinks: [{ use: "hook" }] }')
    assert (problem.message, problem.key_path) == ("missing key 'url'", "sinks[0].url")
    assert "a sink needs 'use'" in one(problems, '{ sinks: [{ url: "a" }] }')


def test_a_dialled_number_may_speak_with_another_voice(load: Any, problems: Any) -> None:
    loaded = load(
        '{ tts: { provider: "offline", offline: { speed: 2 } },'
        '  numbers: { "+15550001111": { tts: { offline: { voice: "x" } } },'
        '             "+15550002222": { tts: { provider: "worse" } }, "+15550003333": {} } }'
    )
    first, second = loaded.number_tts.values()
    assert (first.spec.name, first.config.voice, first.config.speed) == ("offline", "x", 2)
    assert second.spec.name == "worse"
    assert loaded.tts.config.voice == "plain"
    number = '{ numbers: { "+15550001111": { tts: { offline: { voice: 5 } } } } }'
    assert problems(number)[0].key_path == 'numbers["+1555•••1111"].tts.offline.voice'


def test_a_section_that_is_off_need_not_be_complete(load: Any) -> None:
    loaded = load('{ enabled: false, provider: "nobody", tts: { provider: "cloud" } }')
    assert loaded.settings.enabled is False
    assert [warning.severity for warning in loaded.warnings] == ["warning"]
    with pytest.raises(ConfigError, match="the voice-call section is off"):
        _ = loaded.provider


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{ fromNumber: "0301234" }', "'0301234' is no E.164 number"),
        ('{ toNumber: "+1 (555) 000-1111" }', "drop blanks and punctuation"),
        ('{ allowFrom: ["anonymous"] }', "'anonymous' is no E.164 number"),
        ('{ numbers: { "100": {} } }', "'100' is no E.164 number"),
        ('{ outbound: { guard: { doNotCall: ["x"] } } }', "'x' is no E.164 number"),
        ('{ outbound: { guard: { denyPrefixes: ["1900"] } } }', "is no prefix of a number"),
        ('{ outbound: { guard: { countries: ["usa"] } } }', "'usa' is no ISO 3166 code"),
        ('{ serve: { path: "hook" } }', "'hook' is no path"),
        ('{ serve: { path: "/hook?x=1" } }', "'/hook?x=1' is no path"),
        ('{ streaming: { streamPath: "/voice/webhook/x" } }', "overlap"),
        ("{ serve: { port: 65536 } }", "less than or equal to 65535"),
        ("{ serve: { port: 18790 } }", "serve.port and gateway.port are both 18790"),
        ('{ gateway: { bind: "0.0.0.0" } }', "set gateway.allowInsecureBind to true"),
        ('{ webhookSecurity: { trustedProxyIPs: ["10.0.0.0/33"] } }', "'10.0.0.0/33' is neither"),
        (
            '{ skipSignatureVerification: true, serve: { bind: "0.0.0.0" } }',
            "serve.bind '0.0.0.0' is reachable from other machines",
        ),
        (
            '{ skipSignatureVerification: true, publicUrl: "https://x.test" }',
            "exposure 'public-url' makes us public",
        ),
    ],
)
def test_settings_that_make_no_sense_together_are_errors(
    problems: Any, text: str, message: str
) -> None:
    report = one(problems, text)
    assert message in report
    assert ": error: " in report


@pytest.mark.parametrize(
    "text",
    [
        '{ gateway: { bind: "0.0.0.0", allowInsecureBind: true } }',
        '{ gateway: { bind: "::1" }, serve: { bind: "localhost", port: 0 } }',
        '{ webhookSecurity: { trustedProxyIPs: ["10.0.0.0/8", "::1"] } }',
        '{ outbound: { guard: { countries: ["US", "*"], denyPrefixes: ["+1900"] } } }',
        '{ inboundPolicy: "allowlist", allowFrom: ["+15550001111"] }',
    ],
)
def test_settings_that_make_sense_are_accepted_in_silence(load: Any, text: str) -> None:
    assert load(text).warnings == ()


@pytest.mark.parametrize(
    "text", ["{ skipSignatureVerification: true }", '{ inboundPolicy: "allowlist" }']
)
def test_settings_that_are_probably_a_mistake_are_warnings(load: Any, text: str) -> None:
    assert len(load(text).warnings) == 1


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("publicUrl: 7", "'publicUrl': input should"),
        ('tunnel: { provider: "nobody" }', "exposure 'nobody' is not installed"),
        ('valley: { mode: "sideways" }', "mode"),
    ],
)
def test_an_exposure_that_cannot_be_used_is_one_problem_and_not_missing_too(
    problems: Any, section: str, said: str
) -> None:
    text = (
        '{ provider: "acme", fromNumber: "+15550001111", '
        'acme: { accountSid: "A", authToken: "t" }, %s }'
    )
    assert said in one(problems, text % section)
