"""What does each command take, print and end with? Rewrites the reference in docs/cli.md.

    python docs/generate_cli.py

What stands above the marker in that page is written by hand and kept; the rest comes from the
commands' parsers, from the models of what they print, and from the exit codes. A test compares the
committed page with what this would write.
"""

from __future__ import annotations

import sys
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.documents import DOCUMENTS
from voicecall.cli.exit_codes import Exit
from voicecall.cli.shapes import Shape, Taken, shapes

HERE = Path(__file__).resolve().parent
PAGE = HERE / "cli.md"
MARKER = "<!-- From here on written by docs/generate_cli.py; edit the commands. -->"

MEANINGS = {
    Exit.OK: "ok; of a followed call: it was answered and ended as calls end",
    Exit.INTERNAL: "an error of voicecall itself, or its database",
    Exit.USAGE: "the command line, or a value in it, cannot be used",
    Exit.CONFIG: "the configuration, a plugin, a port or the state directory cannot be used",
    Exit.UNREACHABLE: "no gateway answers",
    Exit.AUTHENTICATION: "the gateway does not accept the token",
    Exit.REFUSED: "refused by policy, full, or draining",
    Exit.PROVIDER: "the carrier, or a speech service, says no or does not answer",
    Exit.CALL_FAILED: "the call did not succeed: busy, no answer, failed, or over already",
    Exit.TIMEOUT: "nobody answered in time, or the call reached its longest duration",
    Exit.NOT_FOUND: "nobody knows the call, the number or the code",
    Exit.INTERRUPTED: "Ctrl-C",
}


def page(current: str) -> str:
    """The page with its hand-written head from `current` and the reference anew."""
    head = current.partition(MARKER)[0]
    told = list(shapes())
    lines = [MARKER, "", "## Commands", "", "| command | |", "|---|---|"]
    lines += [f"| [`{shape.name}`](#{shape.name}) | {shape.summary} |" for shape in told]
    lines += ["", "Every command takes:", "", *_table(told[0].options, only_global=True), ""]
    for shape in told:
        lines += _command(shape)
    lines += ["## Exit codes", "", "| code | |", "|---|---|"]
    lines += [f"| {code.value} | {MEANINGS[code]} |" for code in Exit]
    return head + "\n".join(lines) + "\n"


def _command(shape: Shape) -> list[str]:
    module = import_module(f"voicecall.cli.commands.{COMMANDS[shape.name][0]}")
    told = (getdoc(module) or "").partition(": ")[2]
    lines = [f"### {shape.name}", "", told[:1].upper() + told[1:], ""]
    lines += ["```text", _usage(shape), "```", ""]
    own = [*shape.positionals, *(one for one in shape.options if not one.is_global)]
    if own:
        lines += [*_table(own), ""]
    printed = [name for name in DOCUMENTS if name.partition(" ")[0] == shape.name]
    if any(_fields(DOCUMENTS[name]) for name in printed):
        lines += [*_printed(printed), ""]
    return lines


def _usage(shape: Shape) -> str:
    parts = [f"voicecall {shape.name}"]
    for one in (each for each in shape.options if not each.is_global):
        text = f"{one.flags[-1]} {one.metavar}".strip()
        parts.append(text if one.required else f"[{text}]")
    parts += [one.metavar if one.required else f"[{one.metavar}]" for one in shape.positionals]
    return " ".join(parts)


def _table(taken: list[Taken], *, only_global: bool = False) -> list[str]:
    rows = ["| argument | |", "|---|---|"]
    for one in taken:
        if only_global and (not one.is_global or "--help" in one.flags):
            continue
        flags = ", ".join(f"`{flag}`" for flag in one.flags)
        value = f"`{one.metavar}`" if one.metavar else ""
        needed = " (required)" if one.required and one.flags else ""
        rows.append(f"| {' '.join(filter(None, (flags, value)))} | {_cell(one.help)}{needed} |")
    return rows


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _printed(names: list[str]) -> list[str]:
    lines = []
    for name in names:
        for model in _models(DOCUMENTS[name]):
            keys = ", ".join(f"`{key}`" for key in _fields(model))
            if keys:
                lines.append(f"With `--json`, `{name}` prints {keys}.")
    return lines


def _models(document: Any) -> tuple[Any, ...]:
    return get_args(document) if isinstance(document, UnionType) else (document,)


def _fields(document: Any) -> list[str]:
    return [
        field.alias or name
        for model in _models(document)
        for name, field in getattr(model, "model_fields", {}).items()
    ]


if __name__ == "__main__":
    text = page(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(text, encoding="utf-8")
    sys.exit(0)
