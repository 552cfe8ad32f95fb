"""What somebody needs before the first call: a file, plugins, a service, a shell that helps."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voicecall.cli import installing
from voicecall.cli.command_table import COMMANDS
from voicecall.cli.completion import bash, fish, zsh
from voicecall.cli.exit_codes import UsageError
from voicecall.cli.shapes import shapes
from voicecall.cli.systemd import unit
from voicecall.config.loader import load_config
from voicecall.config.starting import starting_config
from voicecall.errors import ConfigError, PluginError
from voicecall.plugins.loader import load_plugins
from voicecall.sdk.specs import ProviderSpec

# -- init


def test_init_writes_a_file_that_can_be_used_and_never_over_another(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "line.json5"
    ran = bare_terminal.inside("init", "--config", str(path), "--json")
    assert (ran.code, ran.document) == (0, {"path": str(path), "provider": "mock"})
    text = path.read_text()
    assert bare_terminal.inside("config", "check", "--config", str(path)).code == 0
    again = bare_terminal.inside("init", "--config", str(path))
    assert (again.code, path.read_text()) == (3, text)
    assert "is left alone" in again.err


def test_every_carriers_starting_file_lacks_only_what_nobody_else_can_know(
    tmp_path: Path,
) -> None:
    registry = load_plugins({})
    path = tmp_path / "voicecall.json5"
    for spec in registry.specs(ProviderSpec):
        text = starting_config(spec, registry)
        path.write_text(text)
        assert max(map(len, text.splitlines())) <= 100
        assert not [line for line in text.splitlines() if line != line.rstrip()]
        try:
            loaded = load_config(path, registry, environ={})
        except ConfigError as error:
            assert {problem.key_path.partition(".")[0] for problem in error.problems} <= {
                spec.name,
                "fromNumber",
                "publicUrl",
                "",
            }, str(error)
        else:
            assert loaded.provider.spec is spec


# -- plugins


def wheel(folder: Path, module: str) -> Path:
    """A plugin of somebody else's, as a wheel; `module` is its code."""
    info = "voicecall_nodding-1.0.dist-info"
    files = {
        "voicecall_nodding.py": module,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: voicecall-nodding\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[voicecall]\nnodding = voicecall_nodding\n",
        f"{info}/RECORD": "",
    }
    path = folder / "voicecall_nodding-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def elsewhere(bare_terminal: Any, tmp_path: Path) -> Callable[..., Any]:
    """Runs commands in an environment of their own, which sees the packages of this one."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "venv"], check=True)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [tmp_path / "venv" / "bin" / "python", "-c", installing.RUN, *arguments],
            env={
                **bare_terminal.environ,
                "PATH": f"{uv.parent}:{os.environ['PATH']}",
                "VOICECALL_PLUGINS": "nodding",  # to import the others takes a second each time
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_a_plugin_is_installed_by_the_command_that_was_shown_and_removed_again(
    elsewhere: Any, tmp_path: Path
) -> None:
    path = str(wheel(tmp_path, "raise ImportError('no nodding today')"))
    ran = elsewhere("plugins", "install", path, "--yes", "--json")
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert f"this will run: {' '.join(json.loads(ran.stdout)['ran'])}" in ran.stderr
    (report,) = json.loads(ran.stdout)["installed"]
    assert (report["distribution"], report["version"]) == ("voicecall-nodding", "1.0")
    assert "no nodding today" in report["broken"]

    gone = elsewhere("plugins", "uninstall", "nodding", "--yes", "--json")
    assert (gone.returncode, json.loads(gone.stdout)["uninstalled"]) == (0, "voicecall-nodding")


def test_without_somebody_to_ask_and_without_yes_nothing_is_installed(
    bare_terminal: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    path = str(wheel(tmp_path, ""))
    ran = bare_terminal.inside("plugins", "install", path)
    assert (ran.code, path in ran.err, "--yes" in ran.err) == (2, True, True)


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        ("tts-openai", "voicecall-tts-openai"),
        ("voicecall-acme==1.2", "voicecall-acme==1.2"),
        ("acme[fast]", "voicecall-acme[fast]"),
    ],
)
def test_a_name_stands_for_a_distribution(wish: str, asked: str) -> None:
    assert installing.install_command(wish, editable=False)[-1] == asked


@pytest.mark.parametrize("wish", ["--index-url", "a b", "./nowhere", "x;rm", "https://x/y", ""])
def test_what_is_no_name_is_not_handed_to_an_installer(wish: str) -> None:
    with pytest.raises(UsageError):
        installing.install_command(wish, editable=False)


def test_only_plugins_are_removed(bare_terminal: Any) -> None:
    for name in ("voicecall", "pydantic"):
        ran = bare_terminal.inside("plugins", "uninstall", name, "--yes")
        assert (ran.code, "no plugin" in ran.err) == (3, True)


def test_a_failing_installer_is_told() -> None:
    with pytest.raises(PluginError, match="exit code 3"):
        installing.run([sys.executable, "-c", "raise SystemExit(3)"])


# -- completion


def completed(script: str, *words: str) -> set[str]:
    line = " ".join(f"'{word}'" for word in words)
    shown = 'printf "%s\\n" "${COMPREPLY[@]}"'
    asked = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
    ran = subprocess.run(
        ["bash", "-c", f"{asked}_voicecall\n{shown}"], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return set(ran.stdout.split())


def test_bash_completes_commands_options_and_their_values(tmp_path: Path) -> None:
    script = bash(list(shapes()), ["mock"])
    assert completed(script, "voicecall", "st") == {"start", "status"}
    assert completed(script, "voicecall", "--json", "--url", "call", "mo") == {"mock"}
    assert completed(script, "voicecall", "call", "--mo") == {"--mode"}
    assert completed(script, "voicecall", "call", "--mode", "") == {"notify", "conversation"}
    assert completed(script, "voicecall", "plugins", "i") == {"install"}
    (tmp_path / "line.json5").touch()
    start = str(tmp_path / "li")
    for words in ((), ("serve",)):
        assert completed(script, "voicecall", *words, "--config", start) == {f"{start}ne.json5"}
    assert completed(script, "voicecall", "end", "--call-id", "") == set()
    everything = completed(script, "voicecall", "")
    assert set(COMMANDS) | {"mock", "--help", "--version", "--config"} <= everything


def test_fish_and_zsh_are_told_of_every_command() -> None:
    lines = fish(list(shapes()), ["mock"]).splitlines()
    told = {line.split()[6] for line in lines if "__voicecall_without_command -a" in line}
    assert told == {*COMMANDS, "mock"}
    assert all(line.startswith(("#", "function ", "complete -c voicecall ")) for line in lines)
    assert zsh(list(shapes()), []).startswith("#compdef voicecall\n")


# -- service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
@pytest.mark.parametrize("state", [None, Path("/srv/a line/100%")])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, state: Path | None) -> None:
    path = tmp_path / "voicecall.service"
    config = tmp_path / 'my "best" line.json5'
    text = unit(
        command=sys.executable, config=config, state=state, environment_file=None, of_user=False
    )
    path.write_text(text)
    ran = subprocess.run(["systemd-analyze", "verify", path], capture_output=True, text=True)
    assert (ran.returncode, str(path) in ran.stderr) == (0, False), ran.stderr


def test_the_unit_waits_for_readiness_drains_and_reads_secrets_from_where_it_is_told(
    bare_terminal: Any, tmp_path: Path
) -> None:
    path = tmp_path / "voicecall.json5"
    assert bare_terminal.inside("service", "--config", str(path)).code == 0
    text = bare_terminal.inside(
        *("service", "--config", str(path), "--environment-file", "/etc/voicecall.env")
    ).out
    for line in (
        "Type=notify",
        "EnvironmentFile=/etc/voicecall.env",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "StateDirectory=voicecall",
    ):
        assert f"\n{line}\n" in text
    assert f"serve --config {path} --state-dir %S/voicecall" in text
