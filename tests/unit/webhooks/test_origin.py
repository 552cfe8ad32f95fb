"""The URL that the carrier signed is rebuilt from the public URL and the raw request target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.config.schema import WebhookSecuritySettings
from voicecall.errors import ConfigError
from voicecall.webhooks.origin import CarrierFacing, Origin, PublicUrls

PUBLIC = "https://calls.example/hooks/voice"


def origin(**security: object) -> Origin:
    return Origin(
        urls=PublicUrls(PUBLIC, "wss://calls.example/media"),
        serve_path="/voice/webhook",
        stream_path="/voice/stream",
        security=WebhookSecuritySettings.model_validate(security),
    )


def rebuild(
    one: Origin,
    path: bytes = b"/voice/webhook",
    query: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    peer: str = "127.0.0.1",
) -> CarrierFacing:
    seen = one.rebuild(path, query, headers=headers, peer=peer)
    assert seen is not None
    return seen


def test_a_rewritten_path_becomes_the_public_one_again():
    assert rebuild(origin()).url == PUBLIC


def test_what_follows_the_path_and_the_query_stay_as_they_came():
    seen = rebuild(origin(), b"/voice/webhook/a%2fb/%C5%BC//x", b"p=a%2fb&q=b+c&e=")
    assert seen.url == f"{PUBLIC}/a%2fb/%C5%BC//x?p=a%2fb&q=b+c&e="
    assert seen.hook == "a%2fb/%C5%BC//x"
    assert seen.query_string == "p=a%2fb&q=b+c&e="


@pytest.mark.parametrize("path", [b"/", b"/voice", b"/voice/webhooks", b"/x/voice/webhook", b""])
def test_a_path_outside_ours_is_nobodys(path):
    assert origin().rebuild(path, b"", headers=(), peer="127.0.0.1") is None


names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
keys = st.text(min_size=1, max_size=8).filter(lambda key: key not in ("hook", "self"))


@given(
    hook=st.lists(names, max_size=3).map("/".join),
    query=st.dictionaries(keys, st.text(max_size=8), max_size=3),
)
def test_every_callback_url_that_we_hand_out_is_rebuilt_exactly(hook, query):
    urls = PublicUrls(PUBLIC, "wss://calls.example/media")
    handed_out = urls.webhook(hook, **query)
    tail, _, raw_query = handed_out.removeprefix(PUBLIC).partition("?")
    seen = rebuild(origin(), b"/voice/webhook" + tail.encode(), raw_query.encode())
    assert seen.url == handed_out
    assert seen.hook == hook


def test_a_stream_url_ends_in_its_token():
    assert PublicUrls(PUBLIC, "wss://calls.example/media/").stream("abc-_1") == (
        "wss://calls.example/media/abc-_1"
    )


FORWARDED = (("x-forwarded-host", "edge.example"), ("x-forwarded-proto", "https"))


def test_forwarding_headers_do_not_count_by_default():
    assert rebuild(origin(), headers=FORWARDED).alternative_urls == ()


def test_acceptance_12_forwarding_headers_of_an_untrusted_peer_are_ignored():
    one = origin(trustForwardingHeaders=True, trustedProxyIPs=["10.0.0.0/8"])
    assert rebuild(one, headers=FORWARDED, peer="192.0.2.1").alternative_urls == ()


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_a_trusted_proxy_may_tell_another_host(peer):
    one = origin(trustForwardingHeaders=True, trustedProxyIPs=["10.0.0.0/8"])
    assert rebuild(one, query=b"a=1", headers=FORWARDED, peer=peer).alternative_urls == (
        "https://edge.example/voice/webhook?a=1",
        "https://edge.example/hooks/voice?a=1",
    )


def test_an_allowed_host_may_come_from_anywhere():
    one = origin(trustForwardingHeaders=True, allowedHosts=["Edge.example"])
    assert "https://edge.example/voice/webhook" in (
        rebuild(one, headers=FORWARDED, peer="192.0.2.1").alternative_urls
    )


@pytest.mark.parametrize(
    "headers",
    [
        (("x-forwarded-host", "edge.example, evil.example"),),
        (("x-forwarded-host", "edge.example"), ("x-forwarded-host", "evil.example")),
        (("x-forwarded-host", "edge.example/evil?"),),
        (("x-forwarded-host", "edge.example"), ("x-forwarded-proto", "javascript")),
        (),
    ],
)
def test_ambiguous_or_odd_forwarding_headers_are_ignored(headers):
    one = origin(trustForwardingHeaders=True, trustedProxyIPs=["10.0.0.1"])
    assert rebuild(one, headers=headers, peer="10.0.0.1").alternative_urls == ()


def test_a_forwarded_port_becomes_part_of_the_host():
    one = origin(trustForwardingHeaders=True, trustedProxyIPs=["10.0.0.1"])
    headers = (*FORWARDED, ("x-forwarded-port", "8443"))
    seen = rebuild(one, headers=headers, peer="10.0.0.1")
    assert seen.alternative_urls[0] == "https://edge.example:8443/voice/webhook"


def test_many_carriers_may_stand_behind_loopback_and_proxies_only():
    one = origin(trustedProxyIPs=["10.0.0.0/8"])
    assert [one.shared(peer) for peer in ("127.0.0.1", "::1", "10.9.9.9")] == [True] * 3
    assert [one.shared(peer) for peer in ("192.0.2.1", "", "nonsense")] == [False] * 3


def test_a_proxy_that_is_no_address_is_named():
    with pytest.raises(ConfigError, match="'10.0.0.0/99'"):
        origin(trustedProxyIPs=["10.0.0.0/99"])


def stream(one: Origin, path: bytes, query: bytes = b"", **more: object) -> tuple[str, ...]:
    seen = {"headers": (), "peer": "127.0.0.1"} | more
    return one.stream_urls(path, query, **seen)  # type: ignore[arg-type]


def test_a_handshake_was_signed_for_the_public_stream_url_as_it_came():
    urls = stream(origin(), b"/voice/stream/tok%2d/", b"a=%20b")
    assert urls == ("wss://calls.example/media/tok%2d/?a=%20b",)


@pytest.mark.parametrize("proto", ["https", "wss"])
def test_a_handshake_may_be_signed_for_what_a_trusted_proxy_forwards(proto):
    one = origin(trustForwardingHeaders=True, trustedProxyIPs=["10.0.0.0/8"])
    headers = (("x-forwarded-host", "edge.example"), ("x-forwarded-proto", proto))
    assert stream(one, b"/voice/stream/tok", headers=headers, peer="10.0.0.1") == (
        "wss://calls.example/media/tok",
        "wss://edge.example/voice/stream/tok",
        "wss://edge.example/media/tok",
    )
    assert len(stream(one, b"/voice/stream/tok", headers=headers, peer="192.0.2.1")) == 1


TUNNELLED = (("x-forwarded-host", "abc.tunnel.example"), ("x-forwarded-proto", "https"))


def test_a_tunnel_for_development_may_name_the_url_from_this_machine_only():
    tunnelled = Origin(
        urls=PublicUrls(PUBLIC, "wss://calls.example/media"),
        serve_path="/voice/webhook",
        stream_path="/voice/stream",
        security=WebhookSecuritySettings(),
        loopback_forwards=True,
    )
    theirs = "https://abc.tunnel.example/voice/webhook"
    assert theirs in rebuild(tunnelled, headers=TUNNELLED).alternative_urls
    assert rebuild(tunnelled, headers=TUNNELLED, peer="192.0.2.7").alternative_urls == ()
    assert rebuild(origin(), headers=TUNNELLED).alternative_urls == ()


def test_what_was_sent_to_the_url_before_the_last_is_still_known():
    urls = PublicUrls("https://old.example/hook", "wss://old.example/media")
    assert not urls.move("https://old.example/hook", "wss://old.example/media")
    assert urls.move("https://new.example/hook", "wss://new.example/media")
    one = Origin(
        urls=urls,
        serve_path="/voice/webhook",
        stream_path="/voice/stream",
        security=WebhookSecuritySettings(),
    )
    seen = rebuild(one, b"/voice/webhook/status", b"a=1")
    assert seen.url == "https://new.example/hook/status?a=1"
    assert seen.alternative_urls == ("https://old.example/hook/status?a=1",)
    assert one.stream_urls(b"/voice/stream/t", b"", headers=(), peer="127.0.0.1") == (
        "wss://new.example/media/t",
        "wss://old.example/media/t",
    )
