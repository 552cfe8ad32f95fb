"""Forms are read before anybody knows who sent them, so a bomb is refused at once."""

from __future__ import annotations

import pytest

from voicecall.sdk.signatures import MAX_FIELDS, read_form


def test_a_form_is_read_with_its_blank_values_and_repeats():
    assert read_form("a=1&b=&a=%C3%A4+x&c=100%") == [
        ("a", "1"),
        ("b", ""),
        ("a", "ä x"),
        ("c", "100%"),
    ]


@pytest.mark.parametrize(
    ("part", "most"), [("a&", MAX_FIELDS - 1), ("%", MAX_FIELDS), ("%4", MAX_FIELDS)]
)
def test_more_than_a_carrier_sends_is_refused(part, most):
    read_form(part * most)
    with pytest.raises(ValueError):
        read_form(part * (most + 1))


def test_what_is_no_utf8_is_refused():
    with pytest.raises(ValueError):
        read_form("a=%FF")
