"""`voicecall plugins`: what is installed, what it provides, and why a broken one is broken."""

from __future__ import annotations

import os

from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, table
from voicecall.cli.plugin_commands import command_entries
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.report import PluginReport


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("action", nargs="?", choices=("list",), default="list")


def run(options: Options) -> int:
    """Do it."""
    reports = load_plugins(os.environ).reports
    commands = [
        {"name": entry.name, "distribution": entry.dist.name if entry.dist else None}
        for entry in command_entries()
    ]
    payload = {"plugins": [_object(report) for report in reports], "commands": commands}
    Output(as_json=options.json).result(payload, _text(reports, commands))
    return Exit.OK


def _object(report: PluginReport) -> dict[str, object]:
    return {
        "name": report.name,
        "distribution": report.distribution,
        "version": report.version,
        "origin": report.origin,
        "kinds": list(report.kinds),
        "provides": [
            {"kind": item.kind, "name": item.name, "summary": item.summary}
            for item in report.provides
        ],
        "broken": report.broken,
        "conflicts": list(report.conflicts),
    }


def _text(reports: tuple[PluginReport, ...], commands: list[dict[str, str | None]]) -> str:
    if not reports:
        return "no plugin is installed"
    rows = [["PLUGIN", "VERSION", "PROVIDES", "ORIGIN"]]
    for report in reports:
        provides = ", ".join(f"{item.kind} {item.name}" for item in report.provides) or "-"
        rows.append([report.distribution, report.version, provides, clean(report.origin)])
    lines = [table(rows)]
    for report in reports:
        problems = ([report.broken] if report.broken else []) + list(report.conflicts)
        lines += [f"broken: {report.owner}: {clean(problem)}" for problem in problems]
    lines += [f"command: {command['name']} ({command['distribution']})" for command in commands]
    return "\n".join(lines)
