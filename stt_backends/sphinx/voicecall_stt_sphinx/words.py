"""Which words does a phrase or a grammar consist of, as the dictionary writes them?"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*'?")
_GRAMMAR_NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/|#JSGF[^;]*;|\b(?:grammar|import)\b[^;]*;|\{[^}]*\}|<[^>]*>|/[\d.eE+-]+/"
    r"|\bpublic\b",
    re.DOTALL,
)
_OPERATORS = re.compile(r"[\s=|()\[\]*+;\"]+")


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text`: lower case, without punctuation, each digit spoken by itself."""
    plain = text.lower().replace("\u2019", "'")
    spoken = re.sub(r"[0-9]", lambda digit: f" {_DIGITS[int(digit[0])]} ", plain)
    return tuple(_WORD.findall(spoken))


def grammar_words(grammar: str) -> tuple[str, ...]:
    """The words that a JSGF text expects, as they are written, each once."""
    bare = _GRAMMAR_NOISE.sub(" ", grammar)
    return tuple(dict.fromkeys(word for word in _OPERATORS.split(bare) if word))


def likeness(heard: tuple[str, ...], expected: tuple[str, ...]) -> float:
    """How much of two phrases is the same: 0 nothing, 1 every word in order."""
    return SequenceMatcher(None, heard, expected, autojunk=False).ratio()


def nearest(heard: tuple[str, ...], phrases: dict[str, tuple[str, ...]]) -> tuple[str, float]:
    """The phrase most like `heard`, and how like it is; of equals the first."""
    scored = [(likeness(heard, words), phrase) for phrase, words in phrases.items()]
    best, phrase = max(scored, key=lambda entry: entry[0])
    return phrase, best
