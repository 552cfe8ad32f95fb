"""What does each command take? Read off its parser, for shell completion and the manual."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.options import Parser, command_parser

_FILES = frozenset({"PATH", "FILE"})
_FOLDERS = frozenset({"DIR"})


class Taken:
    """One option or positional argument.

    Args:
        flags: how it is written; none for a positional argument.
        metavar: what its value is called; empty: it takes none.
        choices: the values that there are; none: any.
        help: one line.
        is_global: whether every command takes it.
    """

    __slots__ = ("choices", "flags", "help", "is_global", "metavar", "required")

    def __init__(self, action: argparse.Action, *, is_global: bool) -> None:
        self.flags = tuple(action.option_strings)
        self.choices = tuple(str(choice) for choice in action.choices or ())
        self.metavar = "" if action.nargs == 0 else _metavar(action)
        self.help = action.help or ""
        self.required = action.required
        self.is_global = is_global

    @property
    def completes(self) -> str:
        """What its value is completed with: ``files``, ``folders``, or nothing."""
        if self.metavar in _FILES:
            return "files"
        return "folders" if self.metavar in _FOLDERS else ""


class Shape:
    """A command: its name, its line of help, what it takes."""

    __slots__ = ("name", "summary", "taken")

    def __init__(self, name: str, summary: str, taken: list[Taken]) -> None:
        self.name = name
        self.summary = summary
        self.taken = taken

    @property
    def options(self) -> list[Taken]:
        """What is written with a flag."""
        return [one for one in self.taken if one.flags]

    @property
    def positionals(self) -> list[Taken]:
        """What is written without one, in order."""
        return [one for one in self.taken if not one.flags]


def parser_of(name: str) -> Parser:
    """The parser of the command `name` of the table."""
    module, summary = COMMANDS[name]
    parser = command_parser(name, summary)
    import_module(f"voicecall.cli.commands.{module}").arguments(parser)
    return parser


def shapes() -> Iterator[Shape]:
    """Every command of the table."""
    for name, (_, summary) in COMMANDS.items():
        parser = parser_of(name)
        common = {action for action in _actions(command_parser(name, summary))}
        taken = [
            Taken(action, is_global=_key(action) in {_key(each) for each in common})
            for action in _actions(parser)
        ]
        yield Shape(name, summary, taken)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return list(parser._actions)


def _key(action: argparse.Action) -> tuple[str, ...]:
    return tuple(action.option_strings) or (action.dest,)


def _metavar(action: argparse.Action) -> str:
    if action.choices:
        return "{" + ",".join(str(choice) for choice in action.choices) + "}"
    return str(action.metavar or action.dest.upper())
