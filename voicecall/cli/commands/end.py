"""`voicecall end`: hang up; ending a call twice is not an error."""

from __future__ import annotations

from voicecall.cli.client import CARRIER_SECONDS
from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--call-id", required=True, metavar="ID", help="ours or the carrier's")


def run(options: Options) -> int:
    """Do it."""
    answer = find_gateway(options).call(
        "voicecall.end", {"callId": options.call_id}, seconds=CARRIER_SECONDS
    )
    Output(as_json=options.json).result(answer, "ended")
    return Exit.OK
