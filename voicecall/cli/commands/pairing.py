"""`voicecall pairing`: strangers who were told a code: list, approve a code, revoke a number."""

from __future__ import annotations

import time
from typing import Any

from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, table


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "approve", "revoke"), default="list", help="[list]"
    )
    parser.add_argument(
        "what", nargs="?", metavar="CODE|NUMBER", help="approve: a code; revoke: a number in E.164"
    )


def run(options: Options) -> int:
    """Do it."""
    if (options.action == "list") != (options.what is None):
        raise UsageError("'pairing approve' takes a code, 'revoke' a number, 'list' nothing")
    output, gateway = Output(as_json=options.json), find_gateway(options)
    if options.action == "list":
        found = gateway.call("voicecall.pairing.list")
        output.result(found, _described(found))
    elif options.action == "approve":
        done = gateway.call("voicecall.pairing.approve", {"code": options.what})
        output.result(done, f"{clean(done['number'])} may call from now on")
    else:
        done = gateway.call("voicecall.pairing.revoke", {"number": options.what})
        output.result(done, f"{clean(done['number'])} is a stranger again")
    return Exit.OK


def _described(found: dict[str, Any]) -> str:
    rows = [
        [clean(entry["number"]), f"code {entry['code']}", f"until {_at(entry['expiresAt'])}"]
        for entry in found["pending"]
    ]
    rows += [
        [clean(entry["number"]), "paired", f"since {_at(entry['pairedAt'])}"]
        for entry in found["paired"]
    ]
    return table(rows) or "no codes are pending, and no number is paired"


def _at(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(milliseconds / 1000))
