"""`voicecall service`: print a systemd unit that runs the gateway, and what to do with it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from voicecall.cli.discovery import state_dir_of
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.cli.systemd import unit
from voicecall.config.reader import find_file


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("--user", action="store_true", help="a unit of yours instead of root's")
    parser.add_argument("--environment-file", metavar="PATH", help="where secrets are read from")


def run(options: Options) -> int:
    """Do it."""
    found = find_file(Path(options.config) if options.config else None, os.environ)
    if found is None:
        raise UsageError("no configuration was found; 'voicecall init' writes one, or --config it")
    text = unit(
        command=_command(),
        config=found[0].expanduser().absolute(),
        state=state_dir_of(options) if options.state_dir or options.user else None,
        environment_file=Path(options.environment_file) if options.environment_file else None,
        of_user=options.user,
    )
    Output(as_json=options.json).result({"unit": text}, text.rstrip("\n"))
    return Exit.OK


def _command() -> str:
    """How this very `voicecall` is started, also from a place that is not in the path."""
    beside = Path(sys.executable).with_name("voicecall")
    return str(beside if beside.exists() else shutil.which("voicecall") or beside)
