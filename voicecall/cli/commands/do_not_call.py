"""`voicecall do-not-call`: the numbers that are not called: list them, add one, remove one."""

from __future__ import annotations

import time
from typing import Any

from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, table

_SOURCES = {
    "config": "outbound.guard.doNotCall",
    "operator": "added by hand",
    "speech": "said so",
    "digit": "pressed the key",
}


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "add", "remove"), default="list", help="[list]"
    )
    parser.add_argument("number", nargs="?", help="for add, remove: in E.164, like +15551230001")


def run(options: Options) -> int:
    """Do it."""
    if (options.action == "list") != (options.number is None):
        raise UsageError("'do-not-call add' and 'remove' take a number, 'list' takes none")
    output, gateway = Output(as_json=options.json), find_gateway(options)
    if options.action == "list":
        found = gateway.call("voicecall.doNotCall.list")
        output.result(found, _described(found["numbers"]))
        return Exit.OK
    done = gateway.call(f"voicecall.doNotCall.{options.action}", {"number": options.number})
    told = "is not called any more" if options.action == "add" else "may be called again"
    output.result(done, f"{clean(done['number'])} {told}")
    return Exit.OK


def _described(numbers: list[dict[str, Any]]) -> str:
    rows = [
        [clean(entry["number"]), _SOURCES[entry["source"]], _day(entry), entry.get("callId", "")]
        for entry in numbers
    ]
    return table(rows) or "nobody has opted out"


def _day(entry: dict[str, Any]) -> str:
    if "addedAt" not in entry:
        return ""
    return time.strftime("%Y-%m-%d", time.localtime(entry["addedAt"] / 1000))
