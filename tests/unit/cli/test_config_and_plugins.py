"""`config`, `plugins` and plugin commands: reports for people and for programs."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import click
import pytest

from voicecall.cli import plugin_commands
from voicecall.cli.exit_codes import UsageError
from voicecall.errors import PluginError

THREE_MISTAKES = """{
  enabled: false,
  serve: { prot: 3334 },
  maxConcurrentCalls: "many",
  inboundPolicy: "ajar",
}
"""


@pytest.fixture
def broken_file(tmp_path: Path) -> str:
    path = tmp_path / "broken.json5"
    path.write_text(THREE_MISTAKES)
    return str(path)


def test_every_mistake_is_reported_with_its_place(bare_terminal: Any, broken_file: str) -> None:
    ran = bare_terminal.inside("config", "check", "--config", broken_file)
    assert ran.code == 3
    for place in (":3:", ":4:", ":5:"):
        assert f"{broken_file}{place}" in ran.err
    assert "Traceback" not in ran.err


def test_mistakes_are_data_for_programs(bare_terminal: Any, broken_file: str) -> None:
    ran = bare_terminal.inside("config", "check", "--json", "--config", broken_file)
    assert ran.code == 3
    assert ran.document["ok"] is False
    errors = [item for item in ran.document["problems"] if item["severity"] == "error"]
    assert [error["line"] for error in errors] == [3, 4, 5]


def test_a_command_that_needs_the_configuration_reports_it_too(
    bare_terminal: Any, broken_file: str
) -> None:
    ran = bare_terminal.inside("start", "--to", "+15551230001", "--config", broken_file, "--json")
    assert ran.code == 3
    assert ran.document["error"]["code"] == "CONFIG"


def test_switched_off_means_that_nothing_starts(bare_terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "off.json5"
    path.write_text("{ enabled: false }")
    for command in (("serve",), ("start", "--to", "+15551230001")):
        ran = bare_terminal.inside(*command, "--config", str(path))
        assert ran.code == 3
        assert "enabled: true" in ran.err


def test_a_missing_provider_is_a_problem_that_says_what_to_install(bare_terminal: Any) -> None:
    ran = bare_terminal.inside("serve", VOICECALL_PLUGINS="nothing-of-the-kind")
    assert ran.code == 3
    assert "pip install" in ran.err


def test_show_explain_and_schema_agree_about_a_key(bare_terminal: Any, tmp_path: Path) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text('{ enabled: false, serve: { port: 4444 }, gateway: { token: "hunter2" } }')
    options = ("--json", "--config", str(path))
    shown = bare_terminal.inside("config", "show", *options)
    assert shown.document["serve"]["port"] == 4444
    assert "hunter2" not in shown.out
    explained = bare_terminal.inside("config", "explain", "serve.port", *options).document
    assert (explained["value"], explained["default"]) == ("4444", "3334")
    assert bare_terminal.inside("config", "schema", "--json").document["properties"]["serve"]
    assert bare_terminal.inside("config", "explain", "serve.prot", *options).code == 3
    assert bare_terminal.inside("config", "explain", *options).code == 2


def test_plugins_are_listed_for_people_and_programs(bare_terminal: Any) -> None:
    nothing = bare_terminal.inside("plugins", "--json", VOICECALL_PLUGINS="nothing-of-the-kind")
    assert nothing.document["plugins"] == []
    assert bare_terminal.inside("plugins", "list").code == 0


@pytest.fixture
def entry(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a plugin command that names this object."""

    def install(value: str) -> None:
        point = metadata.EntryPoint(name="dial", value=value, group=plugin_commands.GROUP)
        monkeypatch.setattr(plugin_commands, "command_entries", lambda: [point])

    return install


class Commands:
    """What the entry points of these tests name."""

    seen: list[Any] = []

    @click.command()
    @click.option("--times", type=int, default=1)
    @click.option("--json", "as_json", is_flag=True)
    @click.pass_obj
    @staticmethod
    def dial(kit: Any, times: int, as_json: bool) -> None:
        Commands.seen.append((kit.state_dir, times, as_json))


def test_a_plugin_command_gets_its_own_options_and_the_kit(tmp_path: Path, entry: Any) -> None:
    entry(f"{__name__}:Commands.dial")
    given = ["--times", "3", "--state-dir", str(tmp_path / "s"), "--json"]
    assert plugin_commands.run_plugin_command("dial", given) == 0
    assert Commands.seen.pop() == (tmp_path / "s", 3, True)


def test_a_plugin_command_used_wrongly_is_a_usage_error(entry: Any) -> None:
    entry(f"{__name__}:Commands.dial")
    with pytest.raises(UsageError, match="voicecall dial --help"):
        plugin_commands.run_plugin_command("dial", ["--tims", "3"])


@pytest.mark.parametrize("value", ["voicecall_nowhere.cli:dial", "json:dumps"])
def test_a_broken_plugin_command_names_itself(entry: Any, value: str) -> None:
    entry(value)
    with pytest.raises(PluginError, match="'dial'"):
        plugin_commands.run_plugin_command("dial", [])
