"""Which commands do plugins add? Click commands under entry-point group ``voicecall.commands``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import metadata

import click

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.kit import Kit
from voicecall.cli.options import Parser, add_place_options
from voicecall.errors import PluginError

GROUP = "voicecall.commands"


def command_entries() -> list[metadata.EntryPoint]:
    """Every command that an installed distribution adds, sorted by name."""
    return sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name)


def run_plugin_command(name: str, given: Sequence[str]) -> int:
    """Run the plugin command `name` with the rest of the command line, `given`.

    What the kernel needs (`--config`, `--state-dir`, …) is taken out of it, wherever it stands.

    Raises:
        UsageError: nobody adds such a command, or it does not take what was given.
        PluginError: it cannot be imported.
    """
    command = _load(name)
    parser = Parser(prog="voicecall", add_help=False, allow_abbrev=False)
    add_place_options(parser)
    options, rest = parser.parse_known_args(list(given))
    try:
        code = command.main(
            args=rest, prog_name=f"voicecall {name}", standalone_mode=False, obj=Kit(options)
        )
    except click.Abort:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        raise UsageError(f"{error.format_message()}; see 'voicecall {name} --help'") from None
    return code if isinstance(code, int) else Exit.OK


def _load(name: str) -> click.Command:
    entries = command_entries()
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None:
        close = get_close_matches(name, [*COMMANDS, *(other.name for other in entries)], n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see 'voicecall --help'"
        raise UsageError(f"there is no command {name!r}; {hint}")
    owner = entry.dist.name if entry.dist else "a plugin"
    try:
        command = entry.load()
    except Exception as error:
        raise PluginError(f"command {name!r} of {owner} cannot be imported: {error}") from error
    if not isinstance(command, click.Command):
        raise PluginError(f"command {name!r} of {owner} is no click command ({entry.value})")
    return command
