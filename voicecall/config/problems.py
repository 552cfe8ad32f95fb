"""What is wrong with a configuration, where, whose is it, and what to do? One report for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

KERNEL = "voicecall"
"""The owner of what no plugin owns."""


class Severity(StrEnum):
    """Whether the configuration can be used in spite of it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Args:
        severity: an error makes the configuration unusable, a warning does not.
        path: the file; None when nothing was read from one.
        line: from 1; None when it stands nowhere in the file.
        column: from 1, in characters.
        key_path: as a person writes it, for example ``serve.port``.
        owner: the plugin that owns the section, or ``voicecall``.
        message: what and which.
        suggestion: what to do, if there is something to say.
        excerpt: the line with secrets hidden, and under it a caret; empty without a line.
    """

    severity: Severity
    path: Path | None
    line: int | None
    column: int | None
    key_path: str
    owner: str
    message: str
    suggestion: str | None = None
    excerpt: str = ""

    def __str__(self) -> str:
        lines = [f"{self._where()}{self.severity}: {self.message}"]
        if self.excerpt:
            lines.append(self.excerpt)
        if self.key_path:
            lines.append(f"    key: {self.key_path} (owner: {self.owner})")
        if self.suggestion:
            lines.append(f"    help: {self.suggestion}")
        return "\n".join(lines)

    def _where(self) -> str:
        if self.path is None:
            return ""
        if self.line is None:
            return f"{self.path}: "
        return f"{self.path}:{self.line}:{self.column}: "


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sorted by line and column; those without a place last."""

    def key(problem: Problem) -> tuple[bool, int, int]:
        return problem.line is None, problem.line or 0, problem.column or 0

    return tuple(sorted(problems, key=key))


def render(problems: Sequence[Problem]) -> str:
    """The whole report as text."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    counts = [_count(errors, "error"), _count(len(problems) - errors, "warning")]
    headline = f"the configuration cannot be used: {', '.join(filter(None, counts))}"
    return "\n".join([headline, *map(str, problems)])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""
