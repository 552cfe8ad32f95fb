"""What of a text can be spoken, and in which portions?"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator

SHORTEST = 40
"""Shorter sentences are spoken with the next one, so that ``Mr.`` keeps its name."""

LONGEST = 200
"""Longer sentences are spoken in parts. Bounds the time to the first sound, and for how long
one call keeps the engine from the others."""

_SENTENCE = re.compile(r".+?(?:[.!?…]+(?=\s)|[。！？]+|$)")


def portions(text: str) -> Iterator[str]:
    """`text` in portions of about a sentence; none when nothing in it can be pronounced.

    Control characters and lone surrogates are dropped, white space is one space.
    """
    portion = ""
    for sentence in _SENTENCE.findall(_on_one_line(text)):
        portion += sentence
        if len(portion) >= SHORTEST:
            yield from filter(_has_words, textwrap.wrap(portion, LONGEST))
            portion = ""
    if _has_words(portion):
        yield portion.strip()


def _on_one_line(text: str) -> str:
    return " ".join("".join(filter(_prints, text)).split())


def _prints(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in ("Cc", "Cs", "Cn")


def _has_words(portion: str) -> bool:
    return any(unicodedata.category(char)[0] not in "PZ" for char in portion)
