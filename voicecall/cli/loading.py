"""What does a command need that runs a gateway itself? State directory, plugins, config, logs."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from voicecall.cli.discovery import state_dir_of
from voicecall.cli.log_lines import FORMATS, stderr_handler
from voicecall.cli.options import Options
from voicecall.cli.output import complain
from voicecall.config.loader import LoadedConfig, load_config
from voicecall.config.state import prepare_state_dir
from voicecall.errors import ConfigError
from voicecall.plugins.loader import load_plugins
from voicecall.plugins.registry import Registry


def ready_state_dir(options: Options) -> Path:
    """The state directory, made and checked.

    Raises:
        ConfigError: it cannot be used.
    """
    path = state_dir_of(options)
    prepare_state_dir(path)
    return path


def load(options: Options, registry: Registry | None = None) -> LoadedConfig:
    """The configuration, warnings told on stderr.

    Raises:
        ConfigError: it cannot be used; the message has every problem.
        PluginError: it selects a plugin that is missing or broken.
    """
    path = Path(options.config) if options.config else None
    loaded = load_config(path, registry or load_plugins(os.environ), environ=os.environ)
    for problem in loaded.warnings:
        complain(str(problem))
    return loaded


def load_enabled(options: Options, registry: Registry | None = None) -> LoadedConfig:
    """The configuration of a gateway that is meant to run.

    Raises:
        ConfigError: it cannot be used, or says that nothing shall run.
    """
    loaded = load(options, registry)
    if not loaded.settings.enabled:
        where = loaded.path or "the configuration"
        raise ConfigError(f"voice calls are switched off in {where}; set 'enabled: true'")
    return loaded


def log_format() -> str:
    """How log lines are written, as the environment says: ``text`` or ``json``."""
    return os.environ.get("VOICECALL_LOG_FORMAT", "text").lower()


def log_to_stderr(level: str) -> None:
    """Write our log lines of `level` and above to stderr, as `VOICECALL_LOG_FORMAT` says.

    Of libraries only warnings are written, whatever the level: theirs hold URLs with secrets.

    Raises:
        ConfigError: there is no such level or format.
    """
    name, form = level.upper(), log_format()
    if name not in logging.getLevelNamesMapping():
        raise ConfigError(f"VOICECALL_LOG is {level!r}; use DEBUG, INFO, WARNING or ERROR")
    if form not in FORMATS:
        raise ConfigError(f"VOICECALL_LOG_FORMAT is {form!r}; use text or json")
    logging.basicConfig(level=logging.WARNING, handlers=[stderr_handler(form)])
    logging.getLogger("voicecall").setLevel(name)
