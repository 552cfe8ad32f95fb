"""Does a URL that a carrier keeps move exactly when it is ours, and keep what follows it?"""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voicecall.sdk import all_moved, moved

FORMER, PRESENT = "https://a.example/voice/webhook", "https://b.example/voice/webhook"

names = st.text("abc-1", min_size=1, max_size=5)
roots = st.builds("https://{}.example/{}".format, names, names)
tails = st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from("/?#"), st.text()))


@given(former=roots, present=roots, tail=tails)
def test_ours_moves_with_all_that_follows_it(former: str, present: str, tail: str) -> None:
    assume(not (former + "/").startswith(present) and not present.startswith(former))
    url = moved(former + tail, former, present)
    assert url == present + tail
    assert moved(url, former, present) is None


@given(former=roots, present=roots, tail=st.text(min_size=1))
def test_what_only_begins_alike_stays(former: str, present: str, tail: str) -> None:
    assume(tail[0] not in "/?#")
    assert moved(former + tail, former, present) is None


@given(kept=st.text(), former=roots, present=roots)
def test_what_does_not_begin_with_the_former_url_stays(
    kept: str, former: str, present: str
) -> None:
    assume(not kept.startswith(former))
    assert moved(kept, former, present) is None


@pytest.mark.parametrize(
    ("kept", "former", "present", "after"),
    [
        (FORMER, FORMER, FORMER, None),
        ("", FORMER, PRESENT, None),
        ("https://a.example/", "https://a.example/", PRESENT, PRESENT),
        ("https://a.example/status", "https://a.example/", PRESENT, f"{PRESENT}/status"),
        (f"{FORMER}/status", FORMER, "https://b.example/", "https://b.example/status"),
        (FORMER, FORMER, f"{FORMER}/new", f"{FORMER}/new"),
        (f"{FORMER}/new", FORMER, f"{FORMER}/new", None),
        (f"{FORMER}/new#rc=1", FORMER, f"{FORMER}/new", None),
    ],
)
def test_roots_and_urls_under_each_other_have_their_slashes_right(
    kept: str, former: str, present: str, after: str | None
) -> None:
    assert moved(kept, former, present) == after


def test_of_many_those_are_told_that_move() -> None:
    kept = {"answer": f"{FORMER}#rc=1", "hangup": "https://c.example/", "empty": None, "odd": 7}
    assert all_moved(kept, FORMER, PRESENT) == {"answer": f"{PRESENT}#rc=1"}
