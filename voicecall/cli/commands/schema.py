"""`voicecall schema`: the JSON Schema of what commands print with `--json`."""

from __future__ import annotations

import json

from voicecall.cli.documents import DOCUMENTS, all_schemas, schema_of
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "command", nargs="*", help="of one command, like: status, or: config check [all, by name]"
    )


def run(options: Options) -> int:
    """Do it."""
    command = " ".join(options.command)
    if command and command not in DOCUMENTS:
        raise UsageError(f"no schema of {command!r}; there are: {', '.join(sorted(DOCUMENTS))}")
    schema = schema_of(command) if command else all_schemas()
    Output(as_json=options.json).result(schema, json.dumps(schema, indent=2, ensure_ascii=False))
    return Exit.OK
