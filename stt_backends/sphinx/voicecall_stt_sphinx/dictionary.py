"""How are words pronounced? The model's own dictionary, read without loading the recogniser."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW"
    " V W Y Z ZH"
)
PHONES = frozenset(_PHONES.split())
"""What a pronunciation is written with: the phones of CMUdict, without stress."""


def model_path() -> Path:
    """The folder of the bundled US English model.

    Raises:
        ValueError: pocketsphinx is not installed.
    """
    spec = find_spec("pocketsphinx")
    if spec is None or not spec.submodule_search_locations:
        raise ValueError("pocketsphinx is not installed; pip install pocketsphinx")
    return Path(spec.submodule_search_locations[0]) / "model" / "en-us"


def pronunciations(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The known ones among `words`, each with every pronunciation that the dictionary has."""
    return dict(_look_up(frozenset(words)))


@lru_cache(maxsize=64)
def _look_up(words: frozenset[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    with (model_path() / "cmudict-en-us.dict").open(encoding="utf-8") as lines:
        for line in lines:
            entry, _, phones = line.partition(" ")
            # Further pronunciations of a word are entries such as `the(2)`.
            word = entry.partition("(")[0]
            if word in words:
                found[word] = (*found.get(word, ()), phones.strip())
    return found
