"""What commands print is published, and what is published is what they print (acceptance 5).

Every other test here that runs a command with `--json` checks its output against the schema too.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from voicecall.cli.command_table import COMMANDS
from voicecall.cli.documents import DOCUMENTS, all_schemas, schema_of

WITHOUT = {"mcp"}
"""Speaks its own protocol on stdout."""


def test_every_command_has_a_schema_and_every_schema_a_command() -> None:
    assert {name.partition(" ")[0] for name in DOCUMENTS} == set(COMMANDS) - WITHOUT
    for schema in all_schemas().values():
        Draft202012Validator.check_schema(schema)


def test_a_schema_accepts_failures_and_refuses_what_it_does_not_know() -> None:
    validator = Draft202012Validator(schema_of("end"))
    validator.validate({"success": True})
    validator.validate({"error": {"code": "NOT_FOUND", "message": "no", "details": {"kind": "x"}}})
    for wrong in ({}, {"success": False}, {"success": True, "more": 1}, {"error": "no"}):
        with pytest.raises(ValidationError):
            validator.validate(wrong)


def test_the_command_publishes_them(bare_terminal: Any) -> None:
    assert bare_terminal.inside("schema", "--json").document == all_schemas()
    assert json.loads(bare_terminal.inside("schema", "config", "check").out)["title"] == (
        "voicecall config check --json"
    )
    assert bare_terminal.inside("schema", "confg").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("version", "--json"),
        ("completion", "bash", "--json"),
        ("service", "--config", "voicecall.json5", "--json"),
        ("config", "schema", "--json"),
        ("setup", "--json"),
        ("tool-schema", "--json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_acceptance_5_stdout_is_one_document_that_keeps_to_its_schema(
    bare_terminal: Any, arguments: tuple[str, ...]
) -> None:
    ran = bare_terminal.inside(*arguments)
    assert (ran.code, "\x1b" in ran.out) == (0, False)
    assert ran.document


def test_acceptance_5_tail_is_one_document_a_line(terminal: Any) -> None:
    for _ in range(2):
        terminal.run("start", "--to", "+15551230001", "--json")
    ran = terminal.run("tail", "--no-follow", "--json")
    assert len(ran.out.splitlines()) == 2
