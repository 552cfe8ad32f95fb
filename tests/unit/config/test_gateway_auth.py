"""Is the gateway's own token taken over from the file of a whole gateway?"""

from __future__ import annotations

from typing import Any

import pytest


def whole(auth: str, config: str = "{}") -> str:
    entry = f'"voice-call": {{ enabled: true, config: {config} }}'
    return f"{{ gateway: {{ auth: {auth} }}, plugins: {{ entries: {{ {entry} }} }} }}"


def revealed(loaded: Any) -> tuple[str | None, str | None]:
    gateway = loaded.settings.gateway
    token, password = gateway.token, gateway.password
    return (
        token.get_secret_value() if token else None,
        password.get_secret_value() if password else None,
    )


def test_token_and_password_of_the_gateway_are_ours_too(load: Any) -> None:
    loaded = load(whole('{ mode: "token", token: "abc", password: "def" }'))
    assert revealed(loaded) == ("abc", "def")
    assert loaded.warnings == ()


def test_what_our_section_says_wins(load: Any) -> None:
    loaded = load(whole('{ token: "abc", password: "def" }', '{ gateway: { token: "ours" } }'))
    assert revealed(loaded) == ("ours", "def")


@pytest.mark.parametrize("token", ['"${NOT_SET_ANYWHERE}"', "17", '""', "{ source: 1 }"])
def test_a_token_that_cannot_be_read_is_left_out_with_a_warning(load: Any, token: str) -> None:
    loaded = load(whole(f"{{ token: {token} }}"))
    assert revealed(loaded) == (None, None)
    assert len(loaded.warnings) == 1
    assert loaded.warnings[0].key_path == "gateway.auth.token"


@pytest.mark.parametrize("auth", ["{}", '"token"', "null", '{ mode: "none" }'])
def test_without_one_a_token_is_made(load: Any, auth: str) -> None:
    assert revealed(load(whole(auth))) == (None, None)


def test_in_the_bare_shape_the_section_is_our_own(problems: Any) -> None:
    (problem,) = problems('{ gateway: { auth: { token: "abc" } } }')
    assert "auth" in problem.message
