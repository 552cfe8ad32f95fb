"""Which changes of a plugin's section may be made while it is open?"""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.config.secret_changes import only_secrets_differ
from voicecall.sdk import Field, Secret, Section


class Inner(Section):
    password: Secret
    name: str = "name"


class Whole(Section):
    token: Secret
    other: Secret | None = None
    keys: tuple[Secret, ...] = ()
    shared: dict[str, Secret] = Field(default_factory=dict)
    inner: Inner | None = None
    url: str = "https://a.example"
    numbers: tuple[str, ...] = ()


BEFORE = {"token": "a", "inner": {"password": "b"}}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"token": "b"},
        {"other": "c"},
        {"keys": ["a", "b"]},
        {"shared": {"one": "d"}},
        {"inner": {"password": "e"}},
    ],
)
def test_secrets_may_change_and_be_more_or_fewer(change: dict[str, Any]) -> None:
    before, after = Whole.model_validate(BEFORE), Whole.model_validate(BEFORE | change)
    assert only_secrets_differ(before, after) and only_secrets_differ(after, before)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://b.example"},
        {"numbers": ["1"]},
        {"inner": None},
        {"inner": {"password": "b", "name": "other"}},
        {"token": "b", "url": "https://b.example"},
    ],
)
def test_nothing_else_may(change: dict[str, Any]) -> None:
    before, after = Whole.model_validate(BEFORE), Whole.model_validate(BEFORE | change)
    assert not only_secrets_differ(before, after)


def test_two_plugins_have_no_secrets_in_common() -> None:
    whole = Whole.model_validate(BEFORE)
    assert whole.inner is not None
    assert not only_secrets_differ(whole, whole.inner)
