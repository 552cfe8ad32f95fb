"""`voicecall start`: place a call to a number, with or without something to say."""

from __future__ import annotations

from voicecall.cli.options import Options, Parser
from voicecall.cli.placing import add_call_options, place


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("-t", "--to", required=True, metavar="NUMBER", help="whom to call")
    parser.add_argument("-m", "--message", metavar="TEXT", help="what to say first")
    add_call_options(parser, default_mode=None)


def run(options: Options) -> int:
    """Do it."""
    return place(options, "voicecall.start")
