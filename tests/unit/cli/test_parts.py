"""The command line's own parts: finding the command, exit codes, text for terminals."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.cli.command_table import COMMANDS, overview
from voicecall.cli.exit_codes import _SUCCESSFUL_ENDS, Exit, exit_of_call, exit_of_error
from voicecall.cli.main import _cause
from voicecall.cli.options import split_command
from voicecall.cli.output import clean, table
from voicecall.errors import CallNotFound, ConfigError, GatewayRefused, StoreError
from voicecall.model.call import SUCCESSFUL_ENDS, TERMINAL_STATES
from voicecall.rpc.faults import _KINDS


@pytest.mark.parametrize(
    ("line", "name", "rest"),
    [
        (["status"], "status", []),
        (["--json", "status"], "status", ["--json"]),
        (["--config", "status", "serve"], "serve", ["--config", "status"]),
        (["--config=x", "end", "--call-id", "1"], "end", ["--config=x", "--call-id", "1"]),
        (["--version"], None, ["--version"]),
        ([], None, []),
        (["--token"], None, ["--token"]),
    ],
)
def test_the_command_is_the_first_word_that_is_no_options_value(
    line: list[str], name: str | None, rest: list[str]
) -> None:
    assert split_command(line) == (name, rest)


def test_every_command_has_a_file_and_every_file_a_command() -> None:
    import voicecall.cli.commands as package

    files = {path.stem for path in Path(package.__path__[0]).glob("[!_]*.py")}
    assert files == {module for module, _ in COMMANDS.values()}
    assert all(name in overview() for name in COMMANDS)


def test_every_terminal_state_has_an_exit_code_and_successes_are_the_models() -> None:
    assert {str(state) for state in SUCCESSFUL_ENDS} == _SUCCESSFUL_ENDS
    codes = {state: exit_of_call(state) for state in TERMINAL_STATES}
    assert {state for state, code in codes.items() if code is Exit.OK} == SUCCESSFUL_ENDS
    assert set(codes.values()) == {Exit.OK, Exit.CALL_FAILED, Exit.TIMEOUT}


def test_every_kind_of_fault_but_our_own_bugs_has_an_exit_code_of_its_own() -> None:
    for _, _, kind in _KINDS:
        refused = GatewayRefused("no", code="UNAVAILABLE", details={"kind": kind})
        expected_bug = kind in ("store", "internal")
        assert (exit_of_error(refused) is Exit.INTERNAL) == expected_bug, kind


def test_errors_of_our_own_have_exit_codes() -> None:
    assert exit_of_error(ConfigError("x")) == 3
    assert exit_of_error(CallNotFound("x")) == 10
    assert exit_of_error(StoreError("x")) == 1


@given(st.text())
def test_cleaned_text_is_one_printable_line(text: str) -> None:
    assert clean(text).isprintable()
    assert len(clean(text)) == len(text)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([["a", "b"], ["long", "c"]]) == "a     b\nlong  c"
    assert table([]) == ""


def test_the_cause_of_a_failed_task_group_is_what_is_told() -> None:
    cause = ConfigError("x")
    assert _cause(ExceptionGroup("outer", [ExceptionGroup("inner", [cause])])) is cause
