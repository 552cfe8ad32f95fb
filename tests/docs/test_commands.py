"""Does every command that the manual tells a reader to type exist, with these options?"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.options import command_parser, split_command

MAKE = re.compile(r"(?:`|^\s*(?:\$ )?)make ([a-z]+)", re.MULTILINE)
VOICECALL = re.compile(r"(?:`|^\s*(?:\$ )?)(?:\.venv/bin/)?voicecall ([a-z][a-z-]+)", re.MULTILINE)
TYPED = re.compile(r"^\$ (?:[\w./]*/)?voicecall (.*)$", re.MULTILINE)


def named(pages: list[Path], pattern: re.Pattern[str]) -> set[str]:
    return {name for page in pages for name in pattern.findall(page.read_text(encoding="utf-8"))}


def program(*arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("voicecall"), *arguments]
    environ = dict(os.environ) if home is None else {**os.environ, "HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, env=environ)


def typed(pages: list[Path]) -> Iterator[list[str]]:
    """The arguments of every `voicecall` command in a console block."""
    for line in sorted(named(pages, TYPED)):
        yield shlex.split(line, comments=True)


def test_every_make_verb_in_the_manual_is_in_the_makefile(repo: Path, manual: list[Path]) -> None:
    makefile = (repo / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    assert named(manual, MAKE) <= targets


def test_every_voicecall_command_in_the_manual_is_one(manual: list[Path]) -> None:
    for name in sorted(named(manual, VOICECALL) - COMMANDS.keys()):  # those of plugins
        asked = program(name, "--help")
        assert asked.returncode == 0, f"voicecall {name}: {asked.stderr}"


def test_every_option_in_a_console_block_is_understood(manual: list[Path]) -> None:
    seen = 0
    for arguments in typed(manual):
        name, rest = split_command(arguments)
        if name in COMMANDS:
            module, summary = COMMANDS[name]
            parser = command_parser(name, summary)
            import_module(f"voicecall.cli.commands.{module}").arguments(parser)
            parser.parse_args(rest)
        else:
            assert program(*arguments, "--help").returncode == 0, arguments
        seen += 1
    assert seen > 10


def test_config_check_accepts_every_example(repo: Path, tmp_path: Path) -> None:
    for path in sorted((repo / "examples").glob("*.json5")):
        asked = program("config", "check", "--config", str(path), home=tmp_path)
        assert (asked.returncode, asked.stderr) == (0, ""), path
        assert asked.stdout == f"{path}: can be used\n"


def test_the_configuration_on_the_first_page_is_short_and_whole(repo: Path, tmp_path: Path) -> None:
    text = (repo / "README.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"^```json5\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(snippet.splitlines()) <= 15
    path = tmp_path / "voicecall.json5"
    path.write_text(snippet, encoding="utf-8")
    asked = program("config", "check", "--config", str(path), home=tmp_path)
    assert (asked.returncode, asked.stderr) == (0, "")
