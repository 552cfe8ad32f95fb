"""`voicecall setup`: is everything ready for a call? Configuration, plugins, the carrier's side."""

from __future__ import annotations

from voicecall.cli import findings
from voicecall.cli.discovery import state_dir_of
from voicecall.cli.exit_codes import Exit
from voicecall.cli.loading import load_enabled
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.cli.readiness import readiness


def arguments(parser: Parser) -> None:
    """Nothing of its own."""


def run(options: Options) -> int:
    """Do it."""
    found = readiness(load_enabled(options), state_dir_of(options))
    failed = findings.failed(found)
    output = Output(as_json=options.json)
    payload = {"ok": not failed, "findings": findings.objects(found)}
    output.result(payload, findings.text(found, output))
    return Exit.PROVIDER if failed else Exit.OK
