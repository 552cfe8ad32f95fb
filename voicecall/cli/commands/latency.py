"""`voicecall latency`: how long callers waited for our answers."""

from __future__ import annotations

from typing import Any

from voicecall.cli.discovery import find_gateway
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser, count
from voicecall.cli.output import Output, table

_COLUMNS = ("count", "minMs", "p50Ms", "avgMs", "p95Ms", "maxMs")


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--last", type=count, default=200, metavar="N", help="calls to scan [200]")


def run(options: Options) -> int:
    """Do it."""
    report = find_gateway(options).call("voicecall.latency", {"last": options.last})
    Output(as_json=options.json).result(report, _described(report))
    return Exit.OK


def _described(report: dict[str, Any]) -> str:
    rows = [["", *_COLUMNS]]
    for name, values in report.items():
        if isinstance(values, dict):
            rows.append([name, *(_shown(values[column]) for column in _COLUMNS)])
    return f"{report['recordsScanned']} calls\n{table(rows)}"


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
