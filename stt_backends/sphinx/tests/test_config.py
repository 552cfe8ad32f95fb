"""Are phrases, grammars and pronunciations checked before a call depends on them?"""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall_stt_sphinx.config import SphinxConfig
from voicecall_stt_sphinx.words import grammar_words, likeness, nearest, words_of

GRAMMAR = """#JSGF V1.0;
grammar menu; // the main menu
public <command> = /2.0/ <polite> (sales | support {dept}) [now]+;
/* said
   before */
<polite> = please*;
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", "hello world"),
        ("I'm fine \u2014 don\u2019t worry", "i'm fine don't worry"),
        ("555-1234", "five five five one two three four"),
        ("a 4x4 car", "a four x four car"),
        ("?!", ""),
    ],
)
def test_phrases_are_written_as_the_dictionary_writes_words(text: str, words: str) -> None:
    assert words_of(text) == tuple(words.split())


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = words_of(text)
    assert words_of(" ".join(once)) == once


def test_the_words_of_a_grammar_are_found_between_its_syntax() -> None:
    assert set(grammar_words(GRAMMAR)) == {"sales", "support", "now", "please"}


def test_a_word_that_the_dictionary_lacks_is_named() -> None:
    with pytest.raises(ValidationError, match="dictionary: 'voicecall', 'frobnicate'"):
        SphinxConfig(phrases=("Hello voicecall", "frobnicate, please"))


def test_a_word_of_a_grammar_that_the_dictionary_lacks_is_named() -> None:
    with pytest.raises(ValidationError, match="'frobnicate'"):
        SphinxConfig(grammar=GRAMMAR.replace("sales", "frobnicate"))


def test_a_pronunciation_makes_a_word_known_and_wins_over_the_dictionary() -> None:
    config = SphinxConfig(
        phrases=("Hello voicecall",),
        pronunciations={"Voicecall": "V OY S  K AO L", "hello": "HH EH L OW"},
    )
    assert config.spoken() == {"hello": ("HH EH L OW",), "voicecall": ("V OY S K AO L",)}


@pytest.mark.parametrize("phones", ["", "voice", "V OY1 S", "v oy s"])
def test_a_pronunciation_must_be_phones(phones: str) -> None:
    with pytest.raises(ValidationError, match="'voicecall' must be phones"):
        SphinxConfig(pronunciations={"voicecall": phones})


@pytest.mark.parametrize(
    "options",
    [
        {"phrases": ("yes",), "grammar": GRAMMAR},
        {"phrases": ("?!",)},
        {"grammar": "yes | no"},
        {"grammar": "#JSGF V1.0;\ngrammar g;\n<a> = yes;"},
        {"rejectBelow": 2},
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SphinxConfig.model_validate(options)


def test_the_check_does_not_load_the_recogniser() -> None:
    code = (
        "import sys; from voicecall_stt_sphinx.plugin import *; SphinxConfig(phrases=('yes',));"
        "sys.exit('pocketsphinx' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_nearest_phrase_is_found_as_it_is_written() -> None:
    phrases = {text: words_of(text) for text in ("Yes, please!", "No, thank you.", "Goodbye")}
    phrase, how_like = nearest(("thank", "you"), phrases)
    assert phrase == "No, thank you."
    assert how_like == pytest.approx(0.8)


@given(st.lists(st.sampled_from(["yes", "no", "please"]), min_size=1).map(tuple))
def test_a_phrase_is_wholly_like_itself(words: tuple[str, ...]) -> None:
    assert likeness(words, words) == 1
