"""Can the configuration be used, and is it written in current keys? Found, told, and repaired."""

from __future__ import annotations

import os
from pathlib import Path

from voicecall.cli.findings import error, ok, warning
from voicecall.cli.options import Options
from voicecall.config.loader import LoadedConfig, load_config
from voicecall.config.problems import Problem
from voicecall.config.problems import Severity as ProblemSeverity
from voicecall.config.reader import Document, find_file, read_document
from voicecall.config.repair import repaired, write_with_backup
from voicecall.errors import ConfigError, PluginError
from voicecall.plugins.registry import Registry
from voicecall.sdk.provider import Finding, Severity

SUBJECT = "configuration"


def check_config(
    options: Options, registry: Registry, *, fix: bool
) -> tuple[LoadedConfig | None, list[Finding]]:
    """The configuration, if it can be used, and what is to be said about its file."""
    path = Path(options.config) if options.config else None
    try:
        place = find_file(path, os.environ)
        legacy = _legacy(read_document(*place), fix=fix) if place else []
        loaded = load_config(path, registry, environ=os.environ)
    except ConfigError as failure:
        return None, _told(failure.problems) or [error(SUBJECT, failure.message)]
    except PluginError as failure:
        return None, [error(SUBJECT, failure.message)]
    where = str(loaded.path) if loaded.path else "no file: built-in defaults"
    return loaded, [ok(SUBJECT, f"{where}: can be used"), *legacy, *_told(loaded.warnings)]


def _legacy(document: Document, *, fix: bool) -> list[Finding]:
    found = repaired(document)
    if not found.changes:
        return []
    if not fix:
        remedy = "voicecall doctor --fix rewrites them, keeps comments and makes a backup"
        return [warning(SUBJECT, f"{len(found.changes)} old keys in {document.path}", remedy)]
    backup = write_with_backup(document.path, found.text)
    changes = [ok(SUBJECT, change) for change in found.changes]
    return [*changes, ok(SUBJECT, f"{document.path} is rewritten; the old one is {backup}")]


def _told(problems: tuple[object, ...]) -> list[Finding]:
    return [_finding(problem) for problem in problems if isinstance(problem, Problem)]


def _finding(problem: Problem) -> Finding:
    is_error = problem.severity is ProblemSeverity.ERROR
    where = f"{problem.path}:{problem.line}:{problem.column}: " if problem.line else ""
    return Finding(
        severity=Severity.ERROR if is_error else Severity.WARNING,
        subject=problem.key_path or SUBJECT,
        message=f"{where}{problem.message}",
        remedy=problem.suggestion,
    )
