"""`voicecall doctor`: what is wrong with this installation? `--fix` repairs what it can."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import anyio

from voicecall import __version__
from voicecall.checkup import check_outside, check_plugins
from voicecall.cli import findings
from voicecall.cli.config_check import check_config
from voicecall.cli.discovery import state_dir_of
from voicecall.cli.exit_codes import Exit
from voicecall.cli.findings import error, ok, warning
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.cli.state_check import check_state
from voicecall.config.loader import LoadedConfig
from voicecall.config.state import read_address
from voicecall.errors import ConfigError, PluginError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry
from voicecall.sdk.provider import Finding


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument(
        "--fix",
        action="store_true",
        help="rewrite old keys (comments stay, a backup is made), close what is open to others",
    )


def run(options: Options) -> int:
    """Do it."""
    state = state_dir_of(options)
    registry = load_plugins(os.environ)
    here = check_state(state, fix=options.fix)
    loaded, told = check_config(options, registry, fix=options.fix)
    here += [*told, *_plugins(registry), *_gateway(state)]
    outside = _outside(loaded, state) if loaded is not None and loaded.settings.enabled else []
    found = [*here, *outside]
    output = Output(as_json=options.json)
    payload = {"ok": not findings.failed(found), "findings": findings.objects(found)}
    output.result(payload, findings.text(found, output))
    if findings.failed(here):
        return Exit.CONFIG
    return Exit.PROVIDER if findings.failed(outside) else Exit.OK


def _plugins(registry: Registry) -> list[Finding]:
    """Broken plugins hurt only when they are selected, which is told with the configuration."""
    found = []
    for report in registry.reports:
        problems = ([report.broken] if report.broken else []) + list(report.conflicts)
        found += [warning(f"plugin {report.distribution}", problem) for problem in problems]
    return found or [ok("plugins", f"{len(registry.reports)} installed, none broken")]


def _gateway(state: Path) -> list[Finding]:
    try:
        address = read_address(state)
    except ConfigError as failure:
        return [error("gateway", failure.message)]
    if address is None:
        return [ok("gateway", "none is running here")]
    if address.version == __version__:
        return [ok("gateway", f"runs at {address.url}")]
    text = f"the one at {address.url} is {address.version}, this command {__version__}"
    return [warning("gateway", text, "restart the gateway")]


def _outside(loaded: LoadedConfig, state: Path) -> list[Finding]:
    today = datetime.now(UTC).date()
    try:
        return [*check_plugins(loaded, today=today), *anyio.run(check_outside, loaded, state)]
    except PluginError as failure:
        return [error("plugins", failure.message)]
