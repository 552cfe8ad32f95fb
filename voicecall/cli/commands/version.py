"""`voicecall version`: which release this is."""

from __future__ import annotations

from voicecall import __version__
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output


def arguments(parser: Parser) -> None:
    """What it takes: nothing."""


def run(options: Options) -> int:
    """Do it."""
    Output(as_json=options.json).result({"version": __version__}, f"voicecall {__version__}")
    return Exit.OK
