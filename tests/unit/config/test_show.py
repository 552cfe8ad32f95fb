"""Can a person see what is in force, where it is from and what it means, without a secret?"""

import json
from typing import Any

import pytest

from voicecall.config.explain import explain
from voicecall.config.jsonschema import config_schema
from voicecall.config.show import effective, text, values
from voicecall.errors import ConfigError

TEXT = """{
  provider: "acme", publicUrl: "https://x.test",
  acme: { accountSid: "A",
          region: "there" },
  gateway: { token: "canary" },
  sinks: [{ use: "hook", url: "u", token: "canary" }],
  numbers: { "+15550001111": { tts: { provider: "cloud", cloud: { apiKey: "canary" } } } },
  tunnel: { acmeToken: "canary" },
}"""
ENVIRON = {"ACME_TOKEN": "canary", "ACME_NUMBER": "+15550009999"}


def test_everything_in_force_is_shown_and_every_secret_is_masked(load: Any) -> None:
    loaded = load(TEXT, ENVIRON)
    shown = effective(loaded)
    assert shown["acme"]["authToken"] == shown["gateway"]["token"] == "**********"
    assert shown["acme"]["retries"] == 3
    assert shown["publicUrl"] == "https://x.test"
    assert shown["tunnel"] == {"provider": "none", "acmeToken": "**********", "acmeDomain": None}
    assert shown["sinks"] == [{"use": "hook", "url": "u", "token": "**********"}]
    assert shown["tts"]["provider"] == "offline"
    assert "canary" not in json.dumps(shown) + text(loaded)


def test_every_value_says_where_it_is_from(load: Any) -> None:
    loaded = load(TEXT, ENVIRON)
    origins = {shown.path: shown.origin for shown in values(loaded)}
    assert origins["acme.region"] == f"{loaded.path}:4"
    assert origins["acme.authToken"] == "environment ACME_TOKEN"
    assert origins["fromNumber"] == "environment ACME_NUMBER"
    assert origins["acme.retries"] == origins["serve.port"] == "default"
    assert origins["publicUrl"] == f"{loaded.path}:2"
    assert origins["tts.provider"] == "chosen"


def test_a_key_is_explained(load: Any) -> None:
    loaded = load(TEXT, ENVIRON)
    port = explain(loaded, "plugins.entries.voice-call.config.serve.port")
    assert (port.path, port.type, port.default) == (
        "serve.port",
        "integer, at least 0, at most 65535",
        "3334",
    )
    account = explain(loaded, "acme.accountSid")
    assert account.description == "Which account pays."
    assert account.owner == "built-for-a-test 0"
    assert (account.value, account.default) == ('"A"', "required")
    assert account.origin == f"{loaded.path}:3"
    token = explain(loaded, "acme.authToken")
    assert (token.type, token.value) == ("secret", '"**********"')


def test_an_object_is_explained_by_its_keys(load: Any) -> None:
    section = explain(load(TEXT, ENVIRON), "acme")
    assert section.description == "The carrier's account."
    assert section.keys == ("accountSid", "authToken", "region", "retries")
    assert explain(load("{}"), 'numbers["+15550001111"].tts').type == "object of any value"


def test_single_keys_of_an_exposure_are_explained(load: Any) -> None:
    assert explain(load(TEXT, ENVIRON), "tunnel.acmeToken").type == "secret"
    assert explain(load(TEXT, ENVIRON), "publicUrl").value == '"https://x.test"'


@pytest.mark.parametrize(("path", "meant"), [("serve.prt", "serve.port"), ("acme.regin", "region")])
def test_a_key_that_nobody_knows_is_answered_with_the_nearest(
    load: Any, path: str, meant: str
) -> None:
    with pytest.raises(ConfigError, match=f"did you mean '.*{meant}'"):
        explain(load(TEXT, ENVIRON), path)


def test_the_schema_covers_the_kernel_and_every_plugin(registry: Any) -> None:
    schema = config_schema(registry)
    properties, defs = schema["properties"], schema["$defs"]
    assert properties["maxDurationSeconds"]["exclusiveMinimum"] == 0
    carrier = defs[properties["acme"]["$ref"].rsplit("/", 1)[1]]
    assert carrier["properties"]["authToken"]["$ref"] == "#/$defs/Secret"
    assert carrier["required"] == ["accountSid", "authToken"]
    assert "publicUrl" in properties
    tunnel = defs[properties["tunnel"]["$ref"].rsplit("/", 1)[1]]
    assert set(tunnel["properties"]) == {"provider", "acmeToken", "acmeDomain"}
    speech = defs[properties["tts"]["$ref"].rsplit("/", 1)[1]]
    assert {"offline", "cloud"} <= set(speech["properties"]["providers"]["properties"])
    sink = properties["sinks"]["items"]["anyOf"][0]
    assert sink["required"] == ["use", "url"]


def test_every_reference_in_the_schema_leads_somewhere(registry: Any) -> None:
    schema = config_schema(registry)

    def references(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"]
            for child in value.values():
                yield from references(child)
        elif isinstance(value, list):
            for child in value:
                yield from references(child)

    for reference in references(schema):
        assert reference.removeprefix("#/$defs/") in schema["$defs"], reference
