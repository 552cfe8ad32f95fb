"""`voicecall speak`: say something on a call; ends when it was heard."""

from __future__ import annotations

from voicecall.cli.client import TURN_SECONDS
from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--call-id", required=True, metavar="ID", help="ours or the carrier's")
    parser.add_argument("-m", "--message", required=True, metavar="TEXT", help="what to say")


def run(options: Options) -> int:
    """Do it."""
    answer = find_gateway(options).call(
        "voicecall.speak",
        {"callId": options.call_id, "message": options.message},
        seconds=TURN_SECONDS,
    )
    Output(as_json=options.json).result(answer, "said")
    return Exit.OK
