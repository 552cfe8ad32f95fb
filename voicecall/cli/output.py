"""Who reads what? Results on stdout; progress beside them, on stderr when a program reads."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

_STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "cyan": "36", "yellow": "33"}


class Output:
    """Where a command writes.

    Args:
        as_json: stdout gets JSON only, progress goes to stderr.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._progress = sys.stderr if as_json else sys.stdout
        self._live = ""

    @property
    def is_live(self) -> bool:
        """Whether progress is seen by a person on a terminal."""
        return self._progress.isatty()

    def result(self, payload: object, text: str) -> None:
        """The command's result: `payload` for a program, `text` for a person."""
        self.clear()
        if self.as_json:
            print(json.dumps(payload, ensure_ascii=False), flush=True)
        elif text:
            print(text, flush=True)

    def progress(self, line: str) -> None:
        """A line about what happens."""
        self.clear()
        print(line, file=self._progress, flush=True)

    def live(self, line: str) -> None:
        """Replace the live line; nothing where nobody watches."""
        if not self.is_live:
            return
        width = max(20, _columns(self._progress) - 1)
        self._live = line[: width - 1] + "…" if len(line) > width else line
        print(f"\r\x1b[2K{self._live}", end="", file=self._progress, flush=True)

    def clear(self) -> None:
        """Take the live line away."""
        if self._live:
            print("\r\x1b[2K", end="", file=self._progress, flush=True)
            self._live = ""

    def paint(self, text: str, *styles: str) -> str:
        """`text` in colour where a person sees it and has not set ``NO_COLOR``."""
        if not self.is_live or os.environ.get("NO_COLOR"):
            return text
        codes = ";".join(_STYLES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"


def complain(message: str) -> None:
    """Tell a person on stderr what went wrong."""
    print(f"voicecall: {message}", file=sys.stderr, flush=True)


def clean(text: object) -> str:
    """`text` that others wrote, on one line and without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def table(rows: list[list[str]]) -> str:
    """`rows` in columns."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 80
