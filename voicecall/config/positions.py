"""Where in the file does a key or a value stand? Points at places, never decides what they mean."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""Keys and list indices from the root of a document down to a value."""

_SPACE = re.compile(r"[\s\ufeff]+")
_COMMENT = re.compile(r"//[^\n\r\u2028\u2029]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_BARE_KEY = re.compile(r"[^\s\ufeff:/]+")
_SCALAR = re.compile(r"[^\s\ufeff,\]}/]+")
_ESCAPE = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\n\r\u2028\u2029])|(.))", re.DOTALL
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(slots=True, kw_only=True)
class Mark:
    """One value: offsets (from 0, in characters) of its key, its start and its end."""

    key: int | None = None
    start: int = 0
    end: int = 0
    members: dict[str, Mark] = field(default_factory=dict)
    items: list[Mark] = field(default_factory=list)

    def child(self, step: str | int) -> Mark | None:
        """The mark of a member or item, None when there is none."""
        if isinstance(step, str):
            return self.members.get(step)
        return self.items[step] if step < len(self.items) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """A key that stands more than once in one object; the last one counts."""

    path: KeyPath
    first: int
    again: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Everything that was found: the tree of marks, repeated keys, spans of comments."""

    root: Mark
    repeated: tuple[Repeated, ...]
    comments: tuple[tuple[int, int], ...]


def scan(text: str) -> Positions:
    """Find every key and value of a JSON5 document.

    Exact for whatever the parser accepts. For anything else it stops where it is lost and
    returns what it found so far; it never raises.
    """
    scanner = _Scanner(text)
    root = scanner.document()
    return Positions(root=root, repeated=tuple(scanner.repeated), comments=tuple(scanner.comments))


class Lines:
    """Lines and columns of a text, both from 1; a line ends with LF, CR or CR LF."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in _LINE_END.finditer(text))]

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column of a character."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, line: int) -> tuple[int, int]:
        """Offsets of the start and the end of a line, without its line end."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        return start, start + len(self._text[start:end].rstrip("\r\n"))


class _Lost(Exception):
    """The text is not JSON5 from here on."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.repeated: list[Repeated] = []
        self.comments: list[tuple[int, int]] = []
        self._text = text
        self._at = 0

    def document(self) -> Mark:
        root = Mark()
        try:
            self._skip()
            self._value(root, ())
            self._skip()
        except (_Lost, RecursionError):
            root.end = root.end or len(self._text)
        return root

    def _value(self, mark: Mark, path: KeyPath) -> None:
        mark.start = self._at
        match self._peek():
            case "{":
                self._object(mark, path)
            case "[":
                self._array(mark, path)
            case "'" | '"':
                self._take(_STRING)
            case _:
                self._take(_SCALAR)
        mark.end = self._at

    def _object(self, mark: Mark, path: KeyPath) -> None:
        for _ in self._entries("}"):
            at = self._at
            key = self._key()
            if earlier := mark.members.get(key):
                first = at if earlier.key is None else earlier.key
                self.repeated.append(Repeated(path=(*path, key), first=first, again=at))
            self._skip()
            self._expect(":")
            self._skip()
            child = mark.members[key] = Mark(key=at)
            self._value(child, (*path, key))

    def _array(self, mark: Mark, path: KeyPath) -> None:
        for _ in self._entries("]"):
            child = Mark()
            mark.items.append(child)
            self._value(child, (*path, len(mark.items) - 1))

    def _entries(self, close: str) -> Iterator[None]:
        self._at += 1
        while True:
            self._skip()
            if self._peek() == close:
                self._at += 1
                return
            yield
            self._skip()
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != close:
                raise _Lost

    def _key(self) -> str:
        if self._peek() in "'\"":
            return unescape(self._take(_STRING)[1:-1])
        return unescape(self._take(_BARE_KEY))

    def _skip(self) -> None:
        while True:
            if space := _SPACE.match(self._text, self._at):
                self._at = space.end()
            elif comment := _COMMENT.match(self._text, self._at):
                self.comments.append(comment.span())
                self._at = comment.end()
            else:
                return

    def _peek(self) -> str:
        if self._at >= len(self._text):
            raise _Lost
        return self._text[self._at]

    def _expect(self, character: str) -> None:
        if self._peek() != character:
            raise _Lost
        self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _Lost
        self._at = match.end()
        return match.group()


def unescape(text: str) -> str:
    """The text that a JSON5 string or bare key stands for, given without its quotes."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(match: re.Match[str]) -> str:
    unicode, hexadecimal, line_end, single = match.groups()
    if code := unicode or hexadecimal:
        return chr(int(code, 16))
    return "" if line_end else _SHORT.get(single, single)


def written(path: KeyPath) -> str:
    """A key path as a person writes it: ``plugins.entries["voice-call"].allowFrom[0]``."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif re.fullmatch(r"[A-Za-z_$][\w$]*", step):
            parts.append(f".{step}")
        else:
            parts.append(f'["{step}"]')
    return "".join(parts).lstrip(".")


def depth_first(mark: Mark, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Mark]]:
    """Every mark under `mark`, itself first."""
    yield path, mark
    for key, child in mark.members.items():
        yield from depth_first(child, (*path, key))
    for index, child in enumerate(mark.items):
        yield from depth_first(child, (*path, index))
