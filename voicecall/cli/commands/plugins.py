"""`voicecall plugins`: what is installed and provided, why it is broken; install, uninstall."""

from __future__ import annotations

import os
import re
from importlib import metadata

from voicecall.cli import installing
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean, complain, table
from voicecall.cli.plugin_commands import command_entries
from voicecall.errors import PluginError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.naming import KIND_NAMES, nearest
from voicecall.plugins.report import PluginReport
from voicecall.sdk.hookspecs import PROJECT

PROOFS = "voicecall.conformance"
"""The entry-point group of harnesses for providers; those of other kinds carry their kind."""


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "action", nargs="?", choices=("list", "install", "uninstall"), default="list"
    )
    parser.add_argument(
        "name",
        nargs="?",
        help="a plugin (acme, tts-acme), its distribution, or to install: a folder, a wheel",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before the command is run")
    parser.add_argument("--editable", action="store_true", help="install a folder as it stands")


def run(options: Options) -> int:
    """Do it."""
    if (options.action == "list") != (options.name is None):
        raise UsageError("'plugins install' and 'plugins uninstall' take a name, 'list' takes none")
    actions = {"list": _list, "install": _install, "uninstall": _uninstall}
    return actions[options.action](options, Output(as_json=options.json))


def _install(options: Options, output: Output) -> int:
    command = installing.install_command(options.name, editable=options.editable)
    if not installing.agreed(command, yes=options.yes):
        return _left(output, command)
    before = installing.installed()
    installing.run(command)
    after = installing.installed()
    new = [report for name, report in after.items() if report != before.get(name)]
    output.result({"ran": command, "installed": new}, _told(new))
    for report in new:
        if report["broken"]:
            complain(f"{report['distribution']} is broken: {clean(report['broken'])}")
    return Exit.CONFIG if any(report["broken"] for report in new) else Exit.OK


def _told(new: list[dict[str, object]]) -> str:
    if not new:
        return "nothing has changed: no plugin was added, and none has another version"
    names = [f"{report['distribution']} {report['version']}" for report in new]
    return f"installed: {', '.join(names)}; a gateway that runs finds it after a restart"


def _uninstall(options: Options, output: Output) -> int:
    distribution = _owner(options.name)
    command = installing.uninstall_command(distribution)
    if not installing.agreed(command, yes=options.yes):
        return _left(output, command)
    installing.run(command)
    output.result({"ran": command, "uninstalled": distribution}, f"uninstalled: {distribution}")
    return Exit.OK


def _left(output: Output, command: list[str]) -> int:
    output.result({"ran": None, "wouldRun": command}, "nothing was changed")
    return Exit.OK


def _owner(name: str) -> str:
    """The distribution of an installed plugin; of nothing else, so that nothing else is removed."""
    wanted = {_folded(name), _folded(installing.distribution_of(name))}
    known = []
    for entry in metadata.entry_points(group=PROJECT):
        owner = entry.dist.name if entry.dist else entry.name
        if wanted & {_folded(owner), _folded(entry.name)}:
            return owner
        known.append(owner.removeprefix("voicecall-"))
    close = nearest(name, known)
    hint = f"did you mean {close!r}?" if close else "see 'voicecall plugins list'"
    raise PluginError(f"no plugin {name!r} is installed; {hint}")


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _list(options: Options, output: Output) -> int:
    reports = load_plugins(os.environ).reports
    commands = [
        {"name": entry.name, "distribution": entry.dist.name if entry.dist else None}
        for entry in command_entries()
    ]
    proofs = _proofs()
    plugins = [_object(report, proofs) for report in reports]
    output.result({"plugins": plugins, "commands": commands}, _text(reports, commands, proofs))
    return Exit.OK


def _proofs() -> dict[str, list[str]]:
    """Distribution → what of it the conformance suite can be run against."""
    proofs: dict[str, list[str]] = {}
    for kind in KIND_NAMES:
        group = PROOFS if kind == "provider" else f"{PROOFS}.{kind}"
        for entry in metadata.entry_points(group=group):
            if entry.dist is not None:
                proofs.setdefault(entry.dist.name, []).append(f"{kind}:{entry.name}")
    return proofs


def _object(report: PluginReport, proofs: dict[str, list[str]]) -> dict[str, object]:
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
        "conformance": sorted(proofs.get(report.distribution, [])),
        "broken": report.broken,
        "conflicts": list(report.conflicts),
    }


def _text(
    reports: tuple[PluginReport, ...],
    commands: list[dict[str, str | None]],
    proofs: dict[str, list[str]],
) -> str:
    if not reports:
        return "no plugin is installed"
    rows = [["PLUGIN", "VERSION", "PROVIDES", "CONFORMANCE", "ORIGIN"]]
    for report in reports:
        provides = ", ".join(f"{item.kind} {item.name}" for item in report.provides) or "-"
        proof = "suite" if report.distribution in proofs else "-"
        rows.append([report.distribution, report.version, provides, proof, clean(report.origin)])
    lines = [table(rows)]
    for report in reports:
        problems = ([report.broken] if report.broken else []) + list(report.conflicts)
        lines += [f"broken: {report.owner}: {clean(problem)}" for problem in problems]
    lines += [f"command: {command['name']} ({command['distribution']})" for command in commands]
    return "\n".join(lines)
