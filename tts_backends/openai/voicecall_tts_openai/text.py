"""In which portions is a long text sent? In whole sentences as far as they fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SENTENCE = re.compile(r".+?(?:[.!?…]+(?=\s)|[。！？]+|$)", re.DOTALL)


def portions(text: str, longest: int) -> Iterator[str]:
    """`text` in portions of at most `longest` characters; none when nothing can be spoken.

    Nothing is lost but white space between portions.
    """
    portion = ""
    for sentence in _SENTENCE.findall(text.encode("utf-8", "replace").decode()):
        if portion and len(portion) + len(sentence) > longest:
            yield from _spoken(portion)
            portion = ""
        portion += sentence
        while len(portion) > longest:
            cut = portion.rfind(" ", 1, longest + 1)
            cut = cut if cut > 0 else longest
            yield from _spoken(portion[:cut])
            portion = portion[cut:]
    yield from _spoken(portion)


def _spoken(portion: str) -> Iterator[str]:
    if any(character.isalnum() for character in portion):
        yield portion.strip()
