"""`voicecall reload`: put the changed configuration file into force, for the calls to come."""

from __future__ import annotations

from voicecall.cli.client import CARRIER_SECONDS
from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output


def arguments(parser: Parser) -> None:
    """What it takes: only what every command takes."""


def run(options: Options) -> int:
    """Do it."""
    answer = find_gateway(options).call("voicecall.reload", seconds=CARRIER_SECONDS)
    changed = ", ".join(answer["changed"]) or "nothing has changed"
    Output(as_json=options.json).result(answer, f"reloaded: {changed}")
    return Exit.OK
