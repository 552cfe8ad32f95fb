"""`voicecall config`: whether it can be used, what is in force, what a key means, its schema."""

from __future__ import annotations

import dataclasses
import json
import os

from voicecall.cli.exit_codes import Exit, UsageError
from voicecall.cli.loading import load
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output
from voicecall.config import show
from voicecall.config.explain import explain
from voicecall.config.jsonschema import config_schema
from voicecall.config.loaded import LoadedConfig
from voicecall.config.problems import Problem
from voicecall.errors import ConfigError
from voicecall.plugins.loader import load_plugins


def arguments(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("action", choices=("check", "show", "explain", "schema"))
    parser.add_argument("path", nargs="?", help="for explain: a key, for example serve.port")


def run(options: Options) -> int:
    """Do it."""
    if (options.action == "explain") != (options.path is not None):
        raise UsageError("'config explain' takes a key path, the others take none")
    actions = {"check": _check, "show": _show, "explain": _explain, "schema": _schema}
    return actions[options.action](options, Output(as_json=options.json))


def _check(options: Options, output: Output) -> int:
    try:
        loaded = load(options)
    except ConfigError as error:
        if not output.as_json:
            raise
        output.result({"ok": False, "problems": _objects(error.problems, str(error))}, "")
        return Exit.CONFIG
    report = {"ok": True, "path": _path(loaded), "problems": _objects(loaded.warnings)}
    output.result(report, f"{_path(loaded) or 'built-in defaults'}: can be used")
    return Exit.OK


def _show(options: Options, output: Output) -> int:
    loaded = load(options)
    output.result(show.effective(loaded), show.text(loaded))
    return Exit.OK


def _explain(options: Options, output: Output) -> int:
    explanation = explain(load(options), options.path)
    output.result(dataclasses.asdict(explanation), str(explanation))
    return Exit.OK


def _schema(options: Options, output: Output) -> int:
    schema = config_schema(load_plugins(os.environ))
    output.result(schema, json.dumps(schema, indent=2, ensure_ascii=False))
    return Exit.OK


def _path(loaded: LoadedConfig) -> str | None:
    return str(loaded.path) if loaded.path else None


def _objects(problems: tuple[object, ...], otherwise: str = "") -> list[dict[str, object]]:
    found = [_object(problem) for problem in problems if isinstance(problem, Problem)]
    return found or ([{"severity": "error", "message": otherwise}] if otherwise else [])


def _object(problem: Problem) -> dict[str, object]:
    return {
        "severity": str(problem.severity),
        "path": str(problem.path) if problem.path else None,
        "line": problem.line,
        "column": problem.column,
        "key": problem.key_path,
        "owner": problem.owner,
        "message": problem.message,
        "suggestion": problem.suggestion,
    }
