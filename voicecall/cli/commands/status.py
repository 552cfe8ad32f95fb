"""`voicecall status`: one call, live or ended, or all live ones."""

from __future__ import annotations

from typing import Any

from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, complain
from voicecall.cli.view import one_line, summary_of


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--call-id", metavar="ID", help="ours or the carrier's [all live calls]")


def run(options: Options) -> int:
    """Do it."""
    answer = find_gateway(options).call("voicecall.status", {"callId": options.call_id})
    output = Output(as_json=options.json)
    if options.call_id is None:
        calls = answer["calls"]
        output.result(answer, "\n".join(map(one_line, calls)) or "no live calls")
        return Exit.OK
    if not answer["found"]:
        output.result(answer, "")
        complain("Call not found")
        return Exit.NOT_FOUND
    output.result(answer, _described(answer["call"]))
    return Exit.OK


def _described(call: dict[str, Any]) -> str:
    lines = [one_line(call), summary_of(call)]
    lines += [f"  {line['speaker']:<5} {clean(line['text'])}" for line in call["transcript"]]
    if "recording" in call:
        lines.append(f"recording: {call['recording']}")
    return "\n".join(lines)
