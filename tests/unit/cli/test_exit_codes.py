"""Every exit code of the manual is reached, and means what it says there (acceptance 6)."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from voicecall.cli.exit_codes import Exit

TALKS, BUSY, STAYS = "+15551230001", "+15551230002", "+15551230003"
REFUSED, CARRIER_SAYS_NO, TOO_LONG = "+15551230006", "+15551230007", "+15551230009"

REACHED: dict[Exit, tuple[str, ...]] = {
    Exit.OK: ("start", "--to", TALKS),
    Exit.USAGE: ("start", "--mode", "shout"),
    Exit.UNREACHABLE: ("status", "--url", "http://127.0.0.1:9", "--token", "x"),
    Exit.AUTHENTICATION: ("status", "--token", "wrong"),
    Exit.REFUSED: ("start", "--to", REFUSED),
    Exit.PROVIDER: ("start", "--to", CARRIER_SAYS_NO),
    Exit.CALL_FAILED: ("start", "--to", BUSY),
    Exit.TIMEOUT: ("start", "--to", TOO_LONG),
    Exit.NOT_FOUND: ("status", "--call-id", "nobody"),
}
"""What a gateway makes of a command; the other codes have tests of their own."""


@pytest.mark.parametrize("code", REACHED, ids=lambda code: f"{code.value}_{code.name.lower()}")
def test_acceptance_6_an_exit_code_means_what_the_manual_says(terminal: Any, code: Exit) -> None:
    ran = terminal.run(*REACHED[code], "--json")
    assert ran.code == code, ran
    assert isinstance(ran.document, dict)
    assert "Traceback" not in ran.err


def test_acceptance_6_exit_1_is_an_error_of_our_own(bare_terminal: Any, tmp_path: Path) -> None:
    bare_terminal.state_dir.mkdir(mode=0o700)
    (bare_terminal.state_dir / "calls.db").write_text("this is no database, and never was one")
    config = tmp_path / "voicecall.json5"
    config.write_text("{ serve: { port: 0 }, gateway: { port: 0 } }")
    ran = bare_terminal.inside("serve", "--json", "--config", str(config))
    assert (ran.code, "Traceback" in ran.err) == (Exit.INTERNAL, False), ran
    assert ran.document["error"]["code"] == "INTERNAL"


def test_acceptance_6_exit_3_is_a_configuration_that_cannot_be_used(
    bare_terminal: Any, tmp_path: Path
) -> None:
    ran = bare_terminal.inside("serve", "--json", "--config", str(tmp_path / "nowhere.json5"))
    assert (ran.code, ran.document["error"]["code"]) == (Exit.CONFIG, "CONFIG")


def test_acceptance_6_exit_130_is_somebody_who_pressed_ctrl_c(terminal: Any) -> None:
    with terminal.start("start", "--to", STAYS, "--json") as process:
        while "answered" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == Exit.INTERRUPTED


def test_there_is_no_code_without_a_test() -> None:
    assert set(Exit) - set(REACHED) == {Exit.INTERNAL, Exit.CONFIG, Exit.INTERRUPTED}
