"""Is a model found by its name, and is what it lacks said at start?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from voicecall.config.loader import load_config
from voicecall.plugins.loader import load_plugins
from voicecall.sdk import ConfigError, ResponderContext, ResponderError
from voicecall_responder_model.access import access_to
from voicecall_responder_model.config import ModelConfig
from voicecall_responder_model.plugin import voicecall_responders


def access(name: str, general: str = "openai", **section: Any) -> Any:
    return access_to(name, ModelConfig.model_validate(section), general=general)


def test_a_model_is_its_vendor_and_everything_behind_the_first_slash() -> None:
    found = access("router/meta/llama-4", "router", baseUrl="http://127.0.0.1:1/v1")
    assert (found.vendor, found.model, found.api) == ("router", "meta/llama-4", "chat")
    assert found.key is None


@pytest.mark.parametrize("name", ["gpt-5", "openai/", "/gpt-5", ""])
def test_a_name_without_vendor_or_model_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="vendor/model"):
        access(name, apiKey="k")


@pytest.mark.parametrize(
    ("name", "general", "told"),
    [
        ("openai/gpt-5", "openai", r"set responders\.model\.apiKey, or .* OPENAI_API_KEY"),
        ("anthropic/claude", "anthropic", r"responders\.model\.apiKey, or .* ANTHROPIC_API_KEY"),
        ("anthropic/claude", "openai", r"responders\.model\.vendors\.anthropic\.apiKey"),
        ("groq/llama", "groq", r"set responders\.model\.baseUrl"),
        ("groq/llama", "openai", r"set responders\.model\.vendors\.groq\.baseUrl"),
    ],
)
def test_what_a_model_lacks_is_named_with_key_and_variable(
    name: str, general: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        access(name, general)


def test_the_sections_own_key_and_address_belong_to_the_general_vendor_alone() -> None:
    section = {
        "apiKey": "general",
        "baseUrl": "http://here/v1",
        "vendors": {"openai": {"apiKey": "env"}, "anthropic": {"apiKey": "other"}},
    }
    ours, other = access("openai/a", **section), access("anthropic/b", **section)
    assert (ours.key.get_secret_value(), ours.base_url) == ("general", "http://here/v1")
    assert (other.key.get_secret_value(), other.base_url) == ("other", None)


@pytest.mark.parametrize(
    ("section", "api"),
    [
        ({}, "responses"),
        ({"baseUrl": "http://here/v1"}, "chat"),
        ({"baseUrl": "http://here/v1", "api": "responses"}, "responses"),
        ({"api": "chat"}, "chat"),
        ({"vendors": {"openai": {"api": "chat"}}}, "chat"),
    ],
)
def test_openai_itself_is_asked_by_responses_and_other_servers_by_chat(
    section: dict[str, Any], api: str
) -> None:
    assert access("openai/a", apiKey="k", **section).api == api
    assert access("anthropic/a", "anthropic", apiKey="k").api == "messages"


def test_every_model_that_lacks_something_is_reported_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "voicecall.json5"
    number = '"+15550001111": { responseModel: "groq/llama" }'
    path.write_text('{\n  responseModel: "openai/gpt",\n  numbers: {' + number + "},\n}")
    with pytest.raises(ConfigError) as refused:
        load_config(path, load_plugins({}), environ={})
    problems = [str(problem) for problem in refused.value.problems]
    assert len(problems) == 2
    assert "2:" in problems[0] and "OPENAI_API_KEY" in problems[0]
    assert "3:" in problems[1] and "responders.model.vendors.groq.baseUrl" in problems[1]


@pytest.mark.parametrize(
    ("base", "name", "root"),
    [
        ("http://here:1", "openai/a", "http://here:1/v1"),
        ("http://here:1/", "openai/a", "http://here:1/v1"),
        ("http://here:1/v1/", "openai/a", "http://here:1/v1"),
        ("http://here:1/api", "openai/a", "http://here:1/api"),
        ("http://here:1/v1", "anthropic/a", "http://here:1"),
        ("http://here:1", "anthropic/a", "http://here:1"),
    ],
)
def test_an_address_may_be_written_with_the_version_or_without(
    base: str, name: str, root: str
) -> None:
    vendor = name.partition("/")[0]
    assert access(name, vendor, apiKey="k", baseUrl=base).base_url == root


def test_the_environment_fills_the_key_of_the_vendor_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text('{ responseModel: "anthropic/claude" }')
    environ = {"OPENAI_API_KEY": "theirs", "ANTHROPIC_API_KEY": "ours"}
    loaded = load_config(path, load_plugins({}), environ=environ)
    assert loaded.responder is not None and isinstance(loaded.responder.config, ModelConfig)
    found = access_to("anthropic/claude", loaded.responder.config, general="anthropic")
    assert found.key is not None and found.key.get_secret_value() == "ours"


@pytest.mark.parametrize(
    "section",
    [
        {"transfers": {"desk": "5550001"}},
        {"transfers": {" ": "+15550001111"}},
        {"baseUrl": "ftp://x"},
        {"baseUrl": "http://x/?a=b"},
        {"tools": ["dial"]},
        {"memory": {"days": 0}},
        {"thinking": "hard"},
        {"url": "http://x"},
    ],
)
def test_a_section_that_cannot_be_meant_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        ModelConfig.model_validate(section)


def test_the_plugin_is_light_until_it_is_opened() -> None:
    code = (
        "import sys, voicecall_responder_model.plugin as plugin;"
        "plugin.voicecall_responders();"
        "heavy = {'pydantic_ai', 'openai', 'anthropic', 'httpx2', 'sqlite3'} & set(sys.modules);"
        "sys.exit(', '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_a_model_the_responder_does_not_start(tmp_path: Path) -> None:
    (spec,) = voicecall_responders()
    context = ResponderContext(http=None, clock=None, logger=None, state_dir=tmp_path)  # type: ignore[arg-type]

    async def main() -> None:
        async with spec.open(ModelConfig(), context):
            raise AssertionError("must not open")

    with pytest.raises(ConfigError, match="responseModel"):
        anyio.run(main)


def test_a_turn_without_a_model_is_an_error(opened: Any) -> None:
    async def main() -> None:
        async with opened() as bench:
            with pytest.raises(ResponderError, match="responseModel"):
                await bench.ask(model=None)

    anyio.run(main)


def test_what_is_set_reaches_the_vendor(opened: Any) -> None:
    from voicecall_responder_model.double.dialects import Said
    from voicecall_responder_model.double.server import Scripted

    async def main() -> None:
        script = Scripted(said=Said(tokens=["Hi."]))
        async with opened(script, temperature=0.5, maxTokens=300) as bench:
            await bench.ask()
            (body,) = bench.double.asked
            assert body["temperature"] == 0.5
            assert body.get("max_completion_tokens", body.get("max_tokens")) == 300
            assert body["model"] == "gpt-4o-mini"
            json.dumps(body)

    anyio.run(main)
