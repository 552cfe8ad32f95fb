"""`voicecall mcp`: an MCP server on stdin and stdout, in front of the running gateway."""

from __future__ import annotations

import os
import signal

import anyio

from voicecall.cli.discovery import state_dir_of
from voicecall.cli.exit_codes import Exit
from voicecall.cli.loading import log_to_stderr
from voicecall.cli.options import Options, Parser
from voicecall.errors import ConfigError
from voicecall.remote import RemoteGateway


def arguments(parser: Parser) -> None:
    """What it takes: only what every command takes."""


def run(options: Options) -> int:
    """Do it."""
    try:
        from voicecall.mcp.stdio import serve_stdio
    except ImportError as error:
        raise ConfigError(f"MCP cannot be used ({error}); install 'voicecall[mcp]'") from error
    log_to_stderr(os.environ.get("VOICECALL_LOG", "WARNING"))
    gateway = RemoteGateway(options.url, options.token, state_dir_of(options))
    # The thread that reads stdin cannot be woken, and there is nothing to tidy up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve_stdio, gateway)
    return Exit.OK
