"""What does `voicecall` do? It finds the command, runs it, and turns what happens into a code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from voicecall import __version__
from voicecall.cli.command_table import COMMANDS, overview
from voicecall.cli.exit_codes import Exit, exit_of_error
from voicecall.cli.options import command_parser, split_command
from voicecall.cli.output import Output, complain
from voicecall.config.hiding import hiding
from voicecall.errors import GatewayRefused, VoicecallError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `arguments` (default: this process's) and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        return _run(given)
    except KeyboardInterrupt:
        complain("interrupted")
        return Exit.INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        cause = _cause(error)
        if isinstance(cause, VoicecallError):
            return _failed(cause, as_json=as_json)
        return _broken(cause, as_json=as_json)


def _run(given: list[str]) -> int:
    name, rest = split_command(given)
    if name is None:
        return _without_command(rest)
    if name not in COMMANDS:
        from voicecall.cli.plugin_commands import run_plugin_command

        return run_plugin_command(name, rest)
    from importlib import import_module

    module, summary = COMMANDS[name]
    command = import_module(f"voicecall.cli.commands.{module}")
    parser = command_parser(name, summary)
    command.arguments(parser)
    return int(command.run(parser.parse_args(rest)))


def _without_command(rest: list[str]) -> int:
    if "--version" in rest:
        print(f"voicecall {__version__}")
        return Exit.OK
    if "--help" in rest or "-h" in rest:
        print(overview())
        return Exit.OK
    print(overview(), file=sys.stderr)
    return Exit.USAGE


def _cause(error: Exception) -> Exception:
    """What went wrong first inside the task groups of a gateway of our own."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _failed(error: VoicecallError, *, as_json: bool) -> int:
    code = exit_of_error(error)
    complain(error.message)
    if as_json:
        message = hiding.secrets(error.message)
        shown: dict[str, object] = {"code": code.name, "message": message}
        if isinstance(error, GatewayRefused):
            shown |= {"code": error.code, "details": error.details}
        Output(as_json=True).result({"error": shown}, "")
    return code


def _broken(error: Exception, *, as_json: bool) -> int:
    if os.environ.get("VOICECALL_DEBUG"):
        import traceback

        trace = "".join(traceback.format_exception(error))
        print(hiding.private(trace), file=sys.stderr, end="", flush=True)
    text = hiding.private(f"internal error: {type(error).__name__}: {error}")
    complain(f"{text} (VOICECALL_DEBUG=1 shows where)")
    if as_json:
        Output(as_json=True).result({"error": {"code": "INTERNAL", "message": text}}, "")
    return Exit.INTERNAL
