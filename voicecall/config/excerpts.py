"""How is a line of the file shown under a problem? With a caret, and without any secret in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from voicecall.config.positions import KeyPath, Lines, depth_first
from voicecall.model.phone import NUMBER, mask_number

if TYPE_CHECKING:
    from voicecall.config.reader import Document

MASK = '"**********"'

_BROKEN = re.compile(
    r"""(?P<comment>//[^\n\r]*|/\*.*?(?:\*/|\Z))
    |'(?:[^'\\]|\\.)*(?:'|\\?\Z)|"(?:[^"\\]|\\.)*(?:"|\\?\Z)
    |(?<![\w$])\d[^\s,\]}]*""",
    re.DOTALL | re.VERBOSE,
)
"""In a text of which nobody knows what it means: comments, strings and numbers."""
_SHOWN = ("true", "false", "null")


def excerpt(document: Document, offset: int, is_open: Callable[[KeyPath], bool]) -> str:
    """The line that `offset` is in, and a caret under the character.

    Every string and number is masked unless `is_open` says that the value at its path may be
    shown; comments are cut, phone numbers masked.
    """
    line, _ = document.lines.locate(offset)
    start, end = document.lines.span(line)
    shown, at, caret = "", start, None
    for first, last, instead in _hidden(document, start, end, is_open):
        if first < at:
            continue
        if caret is None and offset < last:
            caret = len(shown) + min(offset, first) - at
        shown += document.text[at:first] + instead
        at = last
    if caret is None:
        caret = len(shown) + offset - at
    return _framed(line, shown + document.text[at:end], caret)


def excerpt_of_broken(text: str, offset: int) -> str:
    """The same for a text that could not be parsed: strings and numbers masked, cut after the
    caret."""
    lines = Lines(text)
    line, _ = lines.locate(offset)
    start, end = lines.span(line)
    before = _masked(text, start, offset)
    after = text[offset : offset + 1] + "…" if offset < end else ""
    return _framed(line, before + after, len(before))


def _masked(text: str, start: int, end: int) -> str:
    """What stands from `start` to `end`, judged by all that stands before."""
    shown, at = "", start
    for found in _BROKEN.finditer(text, 0, end):
        if found.end() <= start:
            continue
        shown += text[at : found.start()] + ("//…" if found["comment"] else MASK)
        at = found.end()
    return shown + text[at:end]


def _framed(line: int, shown: str, caret: int) -> str:
    gutter = f"{line:>6} | "
    marker = " " * (len(gutter) + caret)
    return f"{gutter}{shown}\n{marker}^".replace("\t", " ")


def _is_scalar(written: str) -> bool:
    """Whether a value is text or a number."""
    return not written.startswith(("{", "[")) and written not in _SHOWN


def _hidden(
    document: Document, start: int, end: int, is_open: Callable[[KeyPath], bool]
) -> Iterator[tuple[int, int, str]]:
    spans = [(first, last, "//…") for first, last in document.positions.comments]
    for path, mark in depth_first(document.positions.root):
        if _is_scalar(document.text[mark.start : mark.end]) and not is_open(path):
            spans.append((mark.start, mark.end, MASK))
    for number in NUMBER.finditer(document.text, start, end):
        spans.append((*number.span(), mask_number(number.group())))
    for first, last, instead in sorted(spans):
        if first < end and last > start:
            yield max(first, start), min(last, end), instead
