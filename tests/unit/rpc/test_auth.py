"""Who is let in: hosts, origins and tokens, without a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.rpc.auth import Doorkeeper, Knock, is_loopback


def knock(
    host: str = "127.0.0.1:1", origin: str | None = None, auth: str = "Bearer t", query: str = ""
) -> Knock:
    return Knock(
        hosts=[host],
        origins=[] if origin is None else [origin],
        authorizations=[auth],
        query_string=query,
    )


def local() -> Doorkeeper:
    return Doorkeeper(token="t", bind="127.0.0.1")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:18790", "127.0.0.1:1", "[::1]:9", "[::1]"]
)
def test_loopback_names_are_served_on_loopback(host: str) -> None:
    assert local().refuse(knock(host=host)) is None


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "["],
)
def test_other_names_are_not(host: str) -> None:
    refusal = local().refuse(knock(host=host))
    assert refusal is not None
    assert refusal.status == 403


def test_on_a_public_address_any_host_is_served() -> None:
    assert Doorkeeper(token="t", bind="0.0.0.0").refuse(knock(host="pbx.example:443")) is None


def test_two_host_headers_are_refused() -> None:
    twice = Knock(hosts=["localhost", "localhost"], origins=[], authorizations=[], query_string="")
    assert local().refuse_address(twice) is not None


@pytest.mark.parametrize(
    "auth", ["", "t", "Basic t", "Bearer", "Bearer ", "Bearer T", "Bearer tt", "Bearer \udce9"]
)
def test_only_the_bearer_token_opens(auth: str) -> None:
    refusal = local().refuse(knock(auth=auth))
    assert refusal is not None
    assert refusal.status == 401


def test_the_scheme_may_be_written_in_any_case() -> None:
    assert local().refuse(knock(auth="bEARER  t ")) is None


@given(st.text())
def test_no_origin_but_our_own_is_accepted(origin: str) -> None:
    refused = local().refuse(knock(origin=origin)) is not None
    assert refused == (origin.lower() not in {"http://127.0.0.1:1", "https://127.0.0.1:1"})


@given(st.text())
def test_strange_host_headers_never_raise(host: str) -> None:
    local().refuse(knock(host=host))


def test_loopback_is_the_whole_block() -> None:
    assert is_loopback("127.8.9.1")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("")


def test_after_a_rotation_both_tokens_and_passwords_are_good_until_ten_minutes_are_over() -> None:
    now = [0.0]
    door = Doorkeeper(token="one", password="p", bind="127.0.0.1", now=lambda: now[0])
    door.renew(token="two", password="q")
    for wait, old in ((0.0, True), (599.0, True), (600.0, False)):
        now[0] = wait
        assert (door.refuse(knock(auth="Bearer one")) is None) is old
        assert (door.refuse_secrets(None, "p") is None) is old
        assert door.refuse(knock(auth="Bearer two")) is None
        assert door.refuse_secrets(None, "q") is None
        assert door.refuse(knock(auth="Bearer three")) is not None


def test_the_next_reload_ends_the_old_token_at_once() -> None:
    door = local()
    door.renew(token="two")
    door.renew(token="two")
    assert door.refuse(knock(auth="Bearer t")) is not None
    assert door.refuse(knock(auth="Bearer two")) is None


def test_before_any_rotation_no_other_token_is_good() -> None:
    assert local().refuse(knock(auth="Bearer ")) is not None
    assert local().refuse(knock(auth="Bearer x")) is not None
