"""How is a command line read? The command's name anywhere among global options, then its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from voicecall.cli.exit_codes import UsageError

Options = argparse.Namespace

WITH_VALUE = ("--config", "--state-dir", "--url", "--token")


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Give up on the command line."""
        raise UsageError(f"{message}; see '{self.prog} --help'")


def split_command(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name and everything else; None when there is none."""
    takes_value = False
    for position, argument in enumerate(arguments):
        if takes_value:
            takes_value = False
        elif argument in WITH_VALUE:
            takes_value = True
        elif not argument.startswith("-"):
            return argument, [*arguments[:position], *arguments[position + 1 :]]
    return None, list(arguments)


def command_parser(name: str, summary: str) -> Parser:
    """The parser of command `name`, global options included."""
    parser = Parser(prog=f"voicecall {name}", description=summary, allow_abbrev=False)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    add_place_options(parser)
    return parser


def add_place_options(parser: argparse.ArgumentParser) -> None:
    """Where configuration, state and gateway are."""
    common = parser.add_argument_group("global options")
    common.add_argument("--config", metavar="PATH", help="configuration file")
    common.add_argument("--state-dir", metavar="DIR", help="[$VOICECALL_STATE_DIR or ~/.voicecall]")
    common.add_argument("--url", metavar="URL", help="gateway elsewhere [$VOICECALL_URL]")
    common.add_argument("--token", metavar="TOKEN", help="its token [better: $VOICECALL_TOKEN]")


def count(text: str) -> int:
    """An argparse type: a whole number from 1 to 1000."""
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("must be 1 to 1000")
    return number
