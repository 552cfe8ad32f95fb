"""How is one key of a JSON5 text moved, dropped or reworded, and every other character kept?

Each function takes a text and gives the new one. A comment beside a value, and those in the lines
right above it, go where the value goes.
"""

from __future__ import annotations

import json
import re

from voicecall.config.positions import KeyPath, Mark, Positions, scan

_WORD = re.compile(r"[A-Za-z_$][\w$]*", re.ASCII)


def replace_value(text: str, path: KeyPath, value: str) -> str:
    """`text` with the JSON5 text `value` at `path`."""
    mark = _mark(scan(text), path)
    return text[: mark.start] + value + text[mark.end :]


def value_text(text: str, path: KeyPath) -> str:
    """The value at `path` as it is written."""
    mark = _mark(scan(text), path)
    return text[mark.start : mark.end]


def drop(text: str, path: KeyPath) -> str:
    """`text` without the member at `path`; its comments stay where they are."""
    return _cut(text, scan(text), path, with_comments=False)[0]


def move(text: str, old: KeyPath, new: KeyPath, value: str) -> str:
    """`text` with `value` at `new` instead of what stands at `old`; objects on the way are made."""
    if old[:-1] == new[:-1]:
        mark = _mark(scan(text), old)
        assert mark.key is not None
        text = replace_value(text, old, value)
        return text[: mark.key] + _key(text, new[-1]) + text[_key_end(text, mark.key) :]
    text, comments = _cut(text, scan(text), old, with_comments=True)
    return _insert(text, new, value, comments)


def _mark(positions: Positions, path: KeyPath) -> Mark:
    mark: Mark | None = positions.root
    for step in path:
        mark = mark.child(step) if mark else None
    if mark is None:
        raise KeyError(path)
    return mark


def _cut(
    text: str, positions: Positions, path: KeyPath, *, with_comments: bool
) -> tuple[str, list[str]]:
    """`text` without a member, and the comments that went with it."""
    mark = _mark(positions, path)
    assert mark.key is not None
    start, end = mark.key, mark.end
    comma = _comma_after(text, positions, end)
    parent = _mark(positions, path[:-1])
    before = None if comma is not None else _comma_before(text, positions, parent, mark)
    end = end if comma is None else comma + 1
    comments = [text[a:b] for a, b in positions.comments if start < a < end and not _in(mark, a)]
    kept = "" if with_comments else " ".join(comments)
    if with_comments:
        start, above = _above(text, positions, start)
        beside = _beside(text, positions, end)
        comments = [*above, *comments]
        if beside is not None:
            comments.append(text[beside[0] : beside[1]])
            end = beside[1]
    start, end = _whole_lines(text, start, end)
    text = text[:start] + kept + text[end:]
    if before is not None:
        text = text[:before] + text[before + 1 :]
    return text, comments


def _in(mark: Mark, at: int) -> bool:
    return mark.start <= at < mark.end


def _insert(text: str, path: KeyPath, value: str, comments: list[str]) -> str:
    positions = scan(text)
    mark, depth = positions.root, 0
    while depth < len(path) - 1 and (below := mark.child(path[depth])) is not None:
        mark, depth = below, depth + 1
    for step in reversed(path[depth + 1 :]):
        value = f"{{ {_key(text, step)}: {value} }}"
    member = f"{_key(text, path[depth])}: {value}"
    first = min((each.key or 0 for each in mark.members.values()), default=None)
    newline = "\r\n" if "\r\n" in text else "\n"
    if first is None or _line_start(text, first) <= mark.start:
        return _insert_inline(text, mark, member, comments, more=first is not None)
    at, _ = _above(text, positions, first)
    at = _line_start(text, at)
    indent = text[_line_start(text, first) : first]
    lines = [*comments, f"{member},"]
    return text[:at] + "".join(f"{indent}{line}{newline}" for line in lines) + text[at:]


def _insert_inline(text: str, mark: Mark, member: str, comments: list[str], *, more: bool) -> str:
    at = mark.start + 1
    notes = "".join(f"/* {_words(comment)} */ " for comment in comments)
    space = "" if more or text[at : at + 1].isspace() else " "
    return f"{text[:at]} {notes}{member}{',' if more else ''}{space}{text[at:]}"


def _words(comment: str) -> str:
    """What a comment says, without its marks."""
    if comment.startswith("//"):
        return comment[2:].strip().replace("*/", "* /")
    return comment[2:-2].strip()


def _above(text: str, positions: Positions, at: int) -> tuple[int, list[str]]:
    """The comments that fill the lines right above `at`, and where the first of them begins."""
    found: list[str] = []
    for start, end in sorted(positions.comments, reverse=True):
        if end > at:
            continue
        between = text[end:at]
        alone = not text[_line_start(text, start) : start].strip()
        if between.strip() or between.count("\n") != 1 or not alone:
            break
        found.insert(0, text[start:end])
        at = start
    return at, found


def _beside(text: str, positions: Positions, at: int) -> tuple[int, int] | None:
    """The comment that ends the line on which `at` is."""
    for start, end in positions.comments:
        if start >= at and not text[at:start].strip() and "\n" not in text[at:start]:
            rest = text[end : _line_end(text, end)]
            return None if rest.strip() else (start, end)
    return None


def _comma_after(text: str, positions: Positions, at: int) -> int | None:
    at = _past_comments(text, positions, at)
    return at if text[at : at + 1] == "," else None


def _comma_before(text: str, positions: Positions, parent: Mark, mark: Mark) -> int | None:
    """The comma between `mark` and the member before it, which its end leaves dangling."""
    earlier = [each.end for each in parent.members.values() if each.end < mark.start]
    return _comma_after(text, positions, max(earlier)) if earlier else None


def _past_comments(text: str, positions: Positions, at: int) -> int:
    ends = dict(positions.comments)
    while at < len(text):
        if at in ends:
            at = ends[at]
        elif text[at].isspace():
            at += 1
        else:
            break
    return at


def _whole_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, and its lines too when nothing else is on them; else a space less."""
    first, last = _line_start(text, start), _line_end(text, end)
    if not text[first:start].strip() and not text[end:last].strip():
        return first, min(len(text), last + 1)
    if text[end : end + 1] == " ":
        end += 1
    return start, end


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _key_end(text: str, at: int) -> int:
    """Where the key that begins at `at` ends."""
    if text[at] in "'\"":
        return text.index(text[at], at + 1) + 1
    word = re.compile(r"[^\s\ufeff:/]+").match(text, at)
    assert word is not None
    return word.end()


def _key(text: str, step: str | int) -> str:
    """A key as this text writes keys: quoted where its first one is."""
    name = str(step)
    first = re.search(r"{\s*(?:(?://[^\n]*\n|/\*.*?\*/)\s*)*(['\"]?)", text, re.DOTALL)
    quoted = first is not None and first.group(1)
    if quoted or not _WORD.fullmatch(name):
        return json.dumps(name)
    return name
