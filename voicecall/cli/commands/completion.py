"""`voicecall completion`: print what makes a shell complete our commands and options."""

from __future__ import annotations

from voicecall.cli import completion
from voicecall.cli.command_table import COMMANDS
from voicecall.cli.exit_codes import Exit
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.cli.plugin_commands import command_entries
from voicecall.cli.shapes import shapes


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(options: Options) -> int:
    """Do it."""
    scripts = {"bash": completion.bash, "zsh": completion.zsh, "fish": completion.fish}
    others = [entry.name for entry in command_entries() if entry.name not in COMMANDS]
    script = scripts[options.shell](list(shapes()), others)
    payload = {"shell": options.shell, "script": script}
    Output(as_json=options.json).result(payload, script.rstrip("\n"))
    return Exit.OK
