"""Is what a model writes said as speech, however it is cut into tokens?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall_responder_model.speakable import speakable
from voicecall_responder_model.spoken import LONGEST, SpokenText


def spoken(*tokens: str, language: str = "en") -> str:
    filter_ = SpokenText(language)
    return ("".join(map(filter_.feed, tokens)) + filter_.finish()).strip()


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Hello **there**. How _are_ you?", "Hello there. How are you?"),
        ("# Hours\nWe open at *nine*.", "Hours. We open at nine."),
        ("- one\n- two.\n* three", "one. two. three."),
        ("1. Sales\n2) Support\n\nWhich?", "1: Sales. 2: Support. Which?"),
        ("> quoted\n\n---\nrest", "quoted. rest"),
        ("Use `npm i` now.", "Use npm i now."),
        ("See this:\n```py\nprint(1)\n```\nDone.", "See this: Done."),
        ("See this: ```never ends", "See this:"),
        ("| Day | Hours |\n|---|---|\n| Mon | 9 to 5 |", "Day, Hours. Mon, 9 to 5."),
        ("<b>Bold</b> &amp; <br/>plain", "Bold & plain"),
        ("</Say><Dial>+1900</Dial> hi", "+1900 hi"),
        ("Great! 😀👍🏽 Go → left ✅", "Great! Go, left"),
        ("~~old~~ [new](https://a.b/c?d) {x}", "old new x"),
        ("<|im_start|>Hi<|im_end|>", "Hi"),
        ("It is 20°C, 50% off, 3*4.", "It is 20°C, 50% off, 3 × 4."),
        ("Press * or # now.", "Press star or # now."),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("a\u202eb\u200bc\x07", "abc"),
        ("---", ""),
        ("🙂", ""),
    ],
)
def test_markup_is_not_read_out(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"spoken": "Hello. Your table is **ready**."}', "Hello. Your table is ready."),
        ('{\n  "action": "speak", "text": "Nine \\"sharp\\".\\nBye."}', 'Nine "sharp". Bye.'),
        ('```json\n{"spoken": "Nine."}\n```', "Nine."),
        ('```\n{"response": {"text": "Nine."}}', "Nine."),
        ('Sure. {"say": "Nine."} Bye.', "Sure. Nine. Bye."),
        ('{"spoken": "Nine, and the', "Nine, and the"),
        ('{"tool": "end_call", "arguments": {"a": [1]}}', ""),
        ('See this: ```json\n{"a": 1}\n``` Done.', "See this: Done."),
        ("{x} is {", "x is"),
    ],
)
def test_of_an_answer_in_json_only_its_words_are_said(written: str, said: str) -> None:
    assert spoken(written) == said
    assert spoken(*written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>The user wants hours.\n\nOkay.</think>\nNine.", "Nine."),
        ("The user wants hours. I should reply. Let me think.\n\nNine.", "Nine."),
        ("Let me think. Nine.", "Let me think. Nine."),
        ("<THINKING>hm</THINKING>Nine.", "Nine."),
        ("Nine. <think>and never", "Nine."),
        ("<reasoning>a</reasoning><think>b</think>Nine.", "Nine."),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
            "<|channel|>final<|message|>Nine.",
            "Nine.",
        ),
        ("The user is asking for hours. I should reply briefly. Nine.", "Nine."),
        ("Okay, the caller wants hours. Nine.", "Nine."),
        ("Reasoning: they ask. So I look.\nNine.", "Nine."),
        ("Thinking process: a. b.\n\nNine.", "Nine."),
        ("Assistant: Nine.", "Nine."),
        ("**Final answer:** Nine.", "Nine."),
    ],
)
def test_thinking_and_planning_are_not_said(written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    "speech",
    [
        "I'll reply to your mail tomorrow. Anything else?",
        "I need to check that. One moment.",
        "So the plan is: we meet at nine.",
        "The user manual says so.",
        "No. We are closed on Sundays.",
        "It costs $1,234.50 or 2000000 points on 2026-11-22 at 10:30.",
        "Call me at 9. Or 10.",
        "Grüß Gott! Ça va? 你好。",
    ],
)
def test_speech_stays_as_it_is(speech: str) -> None:
    assert spoken(speech) == speech


@pytest.mark.parametrize(
    ("written", "language", "said"),
    [
        (
            "See https://www.example.com/open-hours?x=1#y.",
            "en",
            "See example dot com slash open dash hours.",
        ),
        ("Or shop.example.de!", "de-DE", "Or shop Punkt example Punkt de!"),
        (
            "Mail jo_b+x@my-shop.co.uk.",
            "en",
            "Mail jo underscore b plus x at my dash shop dot co dot uk.",
        ),
        ("An info@firma.de", "de", "An info ät firma Punkt de"),
        ("Call +1 (555) 000-1234.", "en", "Call plus 1, 5 5 5, 0 0 0, 1 2 3 4."),
        ("Call 555-123-4567 now", "en", "Call 5 5 5, 1 2 3, 4 5 6 7 now"),
        ("Order 12345678.", "en", "Order 1 2 3, 4 5 6, 7 8."),
        ("Appuyez sur * ici", "fr", "Appuyez sur étoile ici"),
        ("Unknown x@y.zz", "ja", "Unknown x at y dot zz"),
    ],
)
def test_addresses_and_long_numbers_are_spelled(written: str, language: str, said: str) -> None:
    assert spoken(written, language=language) == said


def test_a_sentence_is_said_as_soon_as_the_next_one_begins() -> None:
    filter_ = SpokenText()
    assert filter_.feed("We open at nine.") == ""
    assert filter_.feed(" And") == "We open at nine. "
    assert filter_.feed(" close at five") == ""
    assert filter_.finish() == "And close at five "


def test_a_sentence_without_an_end_is_cut_at_a_blank() -> None:
    filter_ = SpokenText()
    said = filter_.feed("word " * 200)
    assert said and len(said) <= 2 * LONGEST
    assert set(said.split()) == {"word"}


TOKENS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "<think>", "</think>", "<thi", "nk>", "```", "`", "``", "\n", " ", ". ", "1. ", "- ",
            "**", "# ", "https://a.com/b", "x@y.de", "+15550001234", "The user wants it. ",
            "Reasoning: ", "<|channel|>analysis", "<|channel|>final<|message|>", "Hello there. ",
            "word " * 30, "x" * 90, "。", "！", "|a|b|\n", "[a](http://b.c)",
        ]
    ),
)  # fmt: skip


@given(st.lists(TOKENS, max_size=30), st.integers(1, 9))
def test_how_an_answer_is_cut_into_tokens_changes_nothing(tokens: list[str], size: int) -> None:
    whole = "".join(tokens)
    by_size = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert spoken(*tokens) == spoken(whole) == spoken(*by_size)


@given(st.text(max_size=300))
def test_nothing_is_said_that_a_document_could_mistake_for_markup(text: str) -> None:
    said = speakable(text)
    assert not re.search(r"<\S|\S>|[\x00-\x1f\x7f*|`\[\]{}]", said)
    assert said == said.strip()
