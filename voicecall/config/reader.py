"""Which file is the configuration, and what does it say? The parser decides; we add places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import json5

from voicecall.config.excerpts import excerpt_of_broken
from voicecall.config.positions import Lines, Positions, scan
from voicecall.config.problems import KERNEL, Problem, Severity, render
from voicecall.config.tree import Node, build
from voicecall.errors import ConfigError


class FoundBy(StrEnum):
    """How a file was found; what was merely lying around is trusted less."""

    OPTION = "--config"
    VARIABLE = "$VOICECALL_CONFIG"
    CURRENT_DIRECTORY = "the current directory"
    HOME = "the home directory"


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file that was read and parsed."""

    path: Path
    found_by: FoundBy
    text: str = field(repr=False)  # with secrets in it
    positions: Positions = field(repr=False)
    root: Node

    @cached_property
    def lines(self) -> Lines:
        """Lines and columns of the text."""
        return Lines(self.text)


def find_file(path: Path | None, environ: Mapping[str, str]) -> tuple[Path, FoundBy] | None:
    """The file to read.

    Search order: `path`, ``$VOICECALL_CONFIG``, ``./voicecall.json5``,
    ``~/.voicecall/voicecall.json5``, ``~/.openclaw/openclaw.json``. The first two must exist,
    which reading finds out; None when nothing else does.
    """
    if path is not None:
        return path, FoundBy.OPTION
    if named := environ.get("VOICECALL_CONFIG"):
        return Path(named).expanduser(), FoundBy.VARIABLE
    home = Path(environ.get("HOME") or Path.home())
    places = (
        (Path("voicecall.json5"), FoundBy.CURRENT_DIRECTORY),
        (home / ".voicecall" / "voicecall.json5", FoundBy.HOME),
        (home / ".openclaw" / "openclaw.json", FoundBy.HOME),
    )
    return next(((file, how) for file, how in places if file.is_file()), None)


def read_document(path: Path, found_by: FoundBy) -> Document:
    """Read and parse a file.

    Raises:
        ConfigError: it cannot be read or is not JSON5.
    """
    return parsed(path, found_by, _text_of(path, found_by))


def parsed(path: Path, found_by: FoundBy, text: str) -> Document:
    """The document that `text` is, read from `path`.

    Raises:
        ConfigError: it is not JSON5.
    """
    value = _parse(path, text)
    positions = scan(text)
    return Document(
        path=path,
        found_by=found_by,
        text=text,
        positions=positions,
        root=build(value, positions.root),
    )


def _text_of(path: Path, found_by: FoundBy) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _unusable(path, f"there is no such file (named by {found_by})") from None
    except IsADirectoryError:
        raise _unusable(path, "it is a directory; name the file in it") from None
    except UnicodeDecodeError as error:
        raise _unusable(path, f"it is not UTF-8 (byte {error.start})") from None
    except OSError as error:
        raise _unusable(path, f"it cannot be read: {error.strerror}") from None


def _parse(path: Path, text: str) -> Any:
    if not text.strip():
        raise _unusable(path, "it is empty; write at least {}")
    try:
        value, error, offset = json5.parse(text)
    except RecursionError:
        raise _unusable(path, "it is nested too deeply") from None
    if error is None:
        return value
    offset = min(offset, len(text))
    found = "the text ends too early; close the open brace, bracket or quote"
    if offset < len(text):
        found = f"unexpected {text[offset]!r}"
    line, column = Lines(text).locate(offset)
    shown = excerpt_of_broken(text, offset)
    raise _unusable(path, f"not JSON5: {found}", line, column, shown)


def _unusable(
    path: Path,
    message: str,
    line: int | None = None,
    column: int | None = None,
    excerpt: str = "",
) -> ConfigError:
    problem = Problem(
        severity=Severity.ERROR,
        path=path,
        line=line,
        column=column,
        key_path="",
        owner=KERNEL,
        message=message,
        excerpt=excerpt,
    )
    return ConfigError(render([problem]), [problem])
