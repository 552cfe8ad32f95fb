"""`voicecall call`: say something to somebody, and follow what comes of it."""

from __future__ import annotations

from voicecall.cli.options import Options, Parser
from voicecall.cli.placing import add_call_options, place


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("-m", "--message", required=True, metavar="TEXT", help="what to say first")
    parser.add_argument("-t", "--to", metavar="NUMBER", help="whom to call [toNumber]")
    add_call_options(parser, default_mode="conversation")
    parser.add_argument(
        "--idempotency-key",
        metavar="KEY",
        help="the same key again follows the same call instead of placing another",
    )


def run(options: Options) -> int:
    """Do it."""
    return place(options, "voicecall.initiate", idempotencyKey=options.idempotency_key)
