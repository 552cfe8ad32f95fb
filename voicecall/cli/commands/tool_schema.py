"""`voicecall tool-schema`: the definition of the tool `voice_call`, as its consumer takes it."""

from __future__ import annotations

import json

from voicecall.agent_tool.dialects import FORMATS, tool_schema
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default="json-schema", help="for whom [json-schema]"
    )


def run(options: Options) -> int:
    """Do it."""
    print(json.dumps(tool_schema(options.format), ensure_ascii=False, indent=2))
    return Exit.OK
