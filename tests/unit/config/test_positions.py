"""Does the position reader follow every document that the parser accepts, token by token?"""

import math
from typing import Any

import json5
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from voicecall.config.positions import Lines, Mark, scan, unescape, written

SPACE = st.sampled_from(
    ["", " ", "\n", "\r\n", "\r", "\t", "\u00a0", "\ufeff", "\u2028", "\u3000"]
    + ["// a 'b' \"c\" {\n", "/* {[,:'\" */", "/***/", "//\r", "/* \n */ \v\f"]
)
IDENTIFIER = st.sampled_from(
    [
        "a",
        "$",
        "_x1",
        "null",
        "true",
        "Infinity",
        "été",
        "\\u0061b",
        "a\\u0062",
        "ﬁ",
        "x\u200dy",
        "中",
    ]
)
NUMBER = st.sampled_from(
    ["0", "-1", "+1", ".5", "5.", "-.5e3", "1e-3", "0x1F", "-0XaB", "Infinity", "-Infinity", "NaN"]
)
CHARACTER = st.one_of(
    st.characters(exclude_characters="'\"\\\n\r", exclude_categories=["Cs"]),
    st.sampled_from(
        ["\\n", "\\'", '\\"', "\\\\", "\\x41", "\\u20ac", "\\0", "\\\n", "\\\r\n", "\\\u2028"]
        + ["\\q", "\\/", "{", "}", ",", ":", "//", "/*", "\u2028"]
    ),
)


@st.composite
def strings(draw: st.DrawFn) -> str:
    quote, other = draw(st.permutations(["'", '"']))
    body = "".join(draw(st.lists(CHARACTER, max_size=6)))
    return f"{quote}{body}{draw(st.sampled_from(['', other]))}{quote}"


SCALAR = st.one_of(NUMBER, strings(), st.sampled_from(["null", "true", "false"]))


@st.composite
def containers(draw: st.DrawFn, children: st.SearchStrategy[str]) -> str:
    def spaced(text: str) -> str:
        return draw(SPACE) + text + draw(SPACE)

    items = draw(st.lists(children, max_size=4))
    is_object = draw(st.booleans())
    if is_object:
        keys = [draw(st.one_of(IDENTIFIER, strings())) for _ in items]
        items = [f"{spaced(k)}:{spaced(v)}" for k, v in zip(keys, items, strict=True)]
    comma = draw(st.sampled_from(["", ","])) if items else ""
    inside = ",".join(map(spaced, items)) + comma + draw(SPACE)
    return f"{{{inside}}}" if is_object else f"[{inside}]"


VALUE = st.recursive(SCALAR, containers, max_leaves=8)


@st.composite
def documents(draw: st.DrawFn) -> str:
    return draw(SPACE) + draw(VALUE) + draw(SPACE)


def follows(text: str, mark: Mark, value: Any) -> None:
    """Whether the marks have the shape of `value`, and each points at the text of its part."""
    assert same(json5.loads(text[mark.start : mark.end]), value)
    if isinstance(value, dict):
        assert mark.members.keys() == value.keys()
        for key, child in mark.members.items():
            assert child.key is not None
            assert text[child.key] in "'\"" or unescape(text[child.key :]).startswith(key)
            follows(text, child, value[key])
    elif isinstance(value, list):
        assert len(mark.items) == len(value)
        for child, item in zip(mark.items, value, strict=True):
            follows(text, child, item)
    else:
        assert not mark.members and not mark.items


def same(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return bool(left == right)


@given(documents())
@example("{a:1,'a':{b:2},\"\\u0061\":[{c:3}],}")
@settings(max_examples=150, deadline=None)
def test_marks_follow_whatever_the_parser_accepts(text: str) -> None:
    value, error, _ = json5.parse(text)
    assume(error is None)  # for example an escaped zero before a digit
    follows(text, scan(text).root, value)


@given(st.text(alphabet="{}[]:,'\"\\/*ab1 \n", max_size=30))
@settings(max_examples=300, deadline=None)
def test_a_text_that_is_no_json5_never_raises(text: str) -> None:
    scan(text)


def test_a_repeated_key_is_noted_with_both_places() -> None:
    text = "{\n  a: {b: 1},\n  'a': 2,\n}"
    (repeated,) = scan(text).repeated
    lines = Lines(text)
    assert repeated.path == ("a",)
    assert (lines.locate(repeated.first), lines.locate(repeated.again)) == ((2, 3), (3, 3))


def test_lines_end_with_lf_cr_or_both() -> None:
    lines = Lines("a\nbc\r\nd\re")
    assert [lines.locate(offset) for offset in (0, 2, 3, 6, 8)] == [
        (1, 1),
        (2, 1),
        (2, 2),
        (3, 1),
        (4, 1),
    ]
    assert [lines.span(line) for line in (1, 2, 3, 4)] == [(0, 1), (2, 4), (6, 7), (8, 9)]


def test_deep_nesting_is_no_accident() -> None:
    assert scan("[" * 100_000).root.start == 0


def test_a_path_is_written_as_a_person_would() -> None:
    assert written(("plugins", "entries", "voice-call", "allowFrom", 0)) == (
        'plugins.entries["voice-call"].allowFrom[0]'
    )
