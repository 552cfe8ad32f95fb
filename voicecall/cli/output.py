"""Who reads what? Results on stdout; progress beside them, on stderr when a program reads."""

from __future__ import annotations

import json
import os
import sys
from typing import TextIO

from voicecall.config.hiding import hiding

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
        """Whether progress is seen by a person on a terminal that can take a line back."""
        return self._progress.isatty() and os.environ.get("TERM") != "dumb"

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

    def folded(self, text: str, indent: int) -> str:
        """`text` that starts at column `indent`, folded at words to the width of the terminal and
        going on below its start; on one line where a program reads."""
        room = self._width - indent
        if not self.is_live or columns_of(text) <= room:
            return text
        lines, line = [], ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if line and columns_of(longer) > room:
                lines.append(line)
                longer = word
            line = longer
        return f"\n{' ' * indent}".join([*lines, line])

    def live(self, head: str, text: str) -> None:
        """Replace the live line; nothing where nobody watches. Of a long `text` the end is seen."""
        if not self.is_live:
            return
        room = self._width - columns_of(head)
        if columns_of(text) > room:
            while text and columns_of(text) > room - 1:
                text = text[1:]
            text = f"…{text}"
        self._live = head + text
        print(f"\r\x1b[2K{self._live}", end="", file=self._progress, flush=True)

    @property
    def _width(self) -> int:
        """Columns that a line may fill without wrapping."""
        return max(30, _columns(self._progress) - 1)

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
    print(f"voicecall: {hiding.secrets(message)}", file=sys.stderr, flush=True)


def clean(text: object) -> str:
    """`text` that others wrote, on one line and without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in str(text))


def columns_of(text: str) -> int:
    """How many columns of a terminal `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text
    )


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
