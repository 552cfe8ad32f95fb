"""How do the checks tell what they found? They hand a node to this report; it knows the place."""

from __future__ import annotations

from collections.abc import Callable

from voicecall.config.excerpts import excerpt
from voicecall.config.hiding import hiding
from voicecall.config.positions import KeyPath, written
from voicecall.config.problems import KERNEL, Problem, Severity, in_order
from voicecall.config.reader import Document
from voicecall.config.tree import Node


class Report:
    """Collects problems while one configuration is read.

    Args:
        document: what was read; None when there is no file.
        is_open: whether the value at a path of the document may be shown.
    """

    def __init__(self, document: Document | None, is_open: Callable[[KeyPath], bool]) -> None:
        self._document = document
        self._is_open = is_open
        self._problems: list[Problem] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything so far, in order."""
        return in_order(dict.fromkeys(self._problems))

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(problem.severity is Severity.ERROR for problem in self._problems)

    def error(
        self,
        message: str,
        node: Node | None = None,
        *,
        owner: str = KERNEL,
        suggestion: str | None = None,
        at_key: bool = False,
        missing: KeyPath = (),
    ) -> None:
        """Note an error.

        Args:
            message: what and which.
            node: what it is about; None when it stands nowhere.
            owner: whose section it is.
            suggestion: what to do.
            at_key: point at the key instead of the value.
            missing: path below `node` of what should stand there.
        """
        self._note(Severity.ERROR, message, node, owner, suggestion, at_key, missing)

    def warning(
        self,
        message: str,
        node: Node | None = None,
        *,
        owner: str = KERNEL,
        suggestion: str | None = None,
        at_key: bool = True,
    ) -> None:
        """Note a warning; arguments as for `error`."""
        self._note(Severity.WARNING, message, node, owner, suggestion, at_key, ())

    def error_at(self, message: str, offset: int, path: KeyPath, *, owner: str = KERNEL) -> None:
        """Note an error at an offset of the document."""
        self._add(Severity.ERROR, message, offset, path, owner, None)

    def _note(
        self,
        severity: Severity,
        message: str,
        node: Node | None,
        owner: str,
        suggestion: str | None,
        at_key: bool,
        missing: KeyPath,
    ) -> None:
        place = node.place if node else None
        if place and place.variable:
            message = f"environment variable {place.variable}: {message}"
        mark = place.mark if place else None
        offset = None if mark is None else mark.start
        if mark is not None and at_key and mark.key is not None:
            offset = mark.key
        path = (*place.path, *missing) if place else missing
        self._add(severity, message, offset, path, owner, suggestion)

    def _add(
        self,
        severity: Severity,
        message: str,
        offset: int | None,
        path: KeyPath,
        owner: str,
        suggestion: str | None,
    ) -> None:
        document = self._document
        line, column, shown = None, None, ""
        if document and offset is not None:
            line, column = document.lines.locate(offset)
            shown = excerpt(document, offset, self._is_open)
        problem = Problem(
            severity=severity,
            path=document.path if document else None,
            line=line,
            column=column,
            key_path=hiding.private(written(path)),
            owner=owner,
            message=hiding.private(message),
            suggestion=suggestion,
            excerpt=shown,
        )
        self._problems.append(problem)
