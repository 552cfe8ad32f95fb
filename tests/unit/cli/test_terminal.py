"""What a person sees on a terminal: lines that fit, one that lives, nothing that steers it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from typing import Any

import pytest

from voicecall.cli.output import Output, columns_of

RUN_MAIN = "import sys; from voicecall.cli.main import main; sys.exit(main())"
TALKS = "+15551230001"
ESCAPE = re.compile(r"\x1b\[[0-9;]*[mK]")


class Tty:
    """Stands for a terminal of 40 columns."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> tuple[Output, Tty]:
    tty = Tty()
    monkeypatch.setattr(sys, "stdout", tty)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("voicecall.cli.output._columns", lambda stream: 41)
    return Output(as_json=False), tty


def test_a_long_line_is_folded_at_words_below_its_start(narrow: tuple[Output, Tty]) -> None:
    output, _ = narrow
    words = "one two three four five six seven eight nine ten"
    assert output.folded(words, 15).splitlines() == [
        "one two three four five",
        " " * 15 + "six seven eight nine ten",
    ]
    assert output.folded("short", 15) == "short"


def test_of_a_long_live_line_the_end_is_seen_and_it_never_wraps(narrow: Any) -> None:
    output, tty = narrow
    output.live(" 0:01.0  user  ", "the quick brown fox jumps over the lazy dog …")
    shown = ESCAPE.sub("", tty.text).lstrip("\r")
    assert shown.startswith(" 0:01.0  user  …")
    assert shown.endswith("lazy dog …")
    assert columns_of(shown) == 40
    tty.text = ""
    output.live("", "電話" * 30)
    assert columns_of(ESCAPE.sub("", tty.text).lstrip("\r")) <= 40


def test_a_terminal_that_cannot_go_back_gets_plain_lines(
    narrow: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, tty = narrow
    monkeypatch.setenv("TERM", "dumb")
    output.live("head", "text")
    output.progress(output.paint("line", "bold"))
    assert tty.text == "line\n"


@pytest.mark.parametrize("colour", [True, False])
def test_on_a_real_terminal_a_call_is_seen_in_colour_unless_that_is_not_wanted(
    terminal: Any, colour: bool
) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {**terminal.environ, "TERM": "xterm", **({} if colour else {"NO_COLOR": "1"})}
    command = [sys.executable, "-c", RUN_MAIN, "call", "-m", "hi", "-t", TALKS]
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as ran:
        os.close(theirs)
        seen = b""
        while True:
            try:
                more = os.read(ours, 65536)
            except OSError:
                break
            if not more:
                break
            seen += more
    os.close(ours)
    assert ran.returncode == 0
    text = seen.decode()
    assert ("\x1b[1;36mbot" in text) is colour
    last = ESCAPE.sub("", text).rpartition("\r\n")[0].splitlines()
    assert any(line.endswith("hangup-user, talked 0.0 s") or "hangup-user" in line for line in last)
