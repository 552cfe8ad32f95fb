"""What can be configured? What callers are expected to say; checked against the dictionary."""

from __future__ import annotations

import re
from typing import Self

from pydantic import field_validator, model_validator

from voicecall.sdk import Field, Section
from voicecall_stt_sphinx.dictionary import PHONES, pronunciations
from voicecall_stt_sphinx.words import grammar_words, words_of

_JSGF = re.compile(r"\s*#JSGF[^;]*;.*\bpublic\s*<", re.DOTALL)


class SphinxConfig(Section):
    """`streaming.providers.sphinx`."""

    phrases: tuple[str, ...] = ()
    """What callers are expected to say, in English. The transcript has the phrase as it is
    written here."""

    grammar: str | None = None
    """The same as a grammar: a JSGF text with one public rule. Not together with `phrases`."""

    pronunciations: dict[str, str] = Field(default_factory=dict)
    """How to say words that the dictionary lacks: word → phones of CMUdict, for example
    ``{voicecall: "V OY S K AO L"}``."""

    reject_below: float = Field(default=0.5, ge=0, le=1)
    """Speech that fits with less confidence than this is nothing recognisable."""

    @field_validator("pronunciations")
    @classmethod
    def _check_phones(cls, given: dict[str, str]) -> dict[str, str]:
        for word, phones in given.items():
            unknown = [phone for phone in phones.split() if phone not in PHONES]
            if unknown or not phones.split():
                raise ValueError(
                    f"the pronunciation of {word!r} must be phones of CMUdict such as "
                    f"'HH AH L OW', not {phones!r}"
                )
        return {word.lower(): " ".join(phones.split()) for word, phones in given.items()}

    @model_validator(mode="after")
    def _check_words(self) -> Self:
        if self.phrases and self.grammar is not None:
            raise ValueError("set `phrases` or `grammar`, not both")
        if self.grammar is not None and not _JSGF.match(self.grammar):
            raise ValueError("`grammar` must begin with '#JSGF V1.0;' and have a public rule")
        for phrase in self.phrases:
            if not words_of(phrase):
                raise ValueError(f"the phrase {phrase!r} holds no word")
        self._require_known(self.expected_words())
        return self

    def expected_words(self) -> tuple[str, ...]:
        """Every word that may be heard, each once; none when anything may."""
        if self.grammar is not None:
            return grammar_words(self.grammar)
        return tuple(dict.fromkeys(word for phrase in self.phrases for word in words_of(phrase)))

    def spoken(self) -> dict[str, tuple[str, ...]]:
        """Every expected word with its pronunciations; the configured ones win."""
        words = self.expected_words()
        known = pronunciations(word for word in words if word not in self.pronunciations)
        return known | {
            word: (phones,) for word, phones in self.pronunciations.items() if word in words
        }

    def _require_known(self, words: tuple[str, ...]) -> None:
        if not words:
            return
        spoken = self.spoken()
        unknown = [word for word in words if word not in spoken]
        if unknown:
            names = ", ".join(repr(word) for word in unknown)
            raise ValueError(
                f"not in the recogniser's dictionary: {names}; write other words, or say how "
                f'they sound: pronunciations: {{ "{unknown[0]}": "HH AH L OW" }}'
            )
