"""Is the public URL checked, brought into one form, and turned into the carriers' URLs?"""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import ExposureContext, ExposureError, HttpResponse, SystemClock
from voicecall_expose_public_url.plugin import PublicUrlConfig, voicecall_exposures
from voicecall_expose_public_url.url import parse_public_url


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("a public URL needs no network")


def urls(public_url: str, path: str = "/voice/webhook") -> tuple[str, str]:
    (spec,) = voicecall_exposures()
    context = ExposureContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
        host="127.0.0.1",
        port=3334,
        webhook_path=path,
        stream_path="/voice/stream",
    )

    async def main() -> tuple[str, str]:
        config = PublicUrlConfig(public_url=public_url)
        assert spec.wanted(config)
        async with spec.open(config, context) as endpoint:
            return endpoint.webhook_url, endpoint.stream_url

    return anyio.run(main)


@pytest.mark.parametrize(
    ("given_url", "webhook", "stream"),
    [
        ("https://a.example", "https://a.example/voice/webhook", "wss://a.example/voice/stream"),
        ("https://a.example/", "https://a.example/voice/webhook", "wss://a.example/voice/stream"),
        (
            "https://a.example:8443/voice/webhook/",
            "https://a.example:8443/voice/webhook",
            "wss://a.example:8443/voice/stream",
        ),
        (
            "https://a.example/line1/voice/webhook",
            "https://a.example/line1/voice/webhook",
            "wss://a.example/line1/voice/stream",
        ),
        ("https://a.example/hook", "https://a.example/hook", "wss://a.example/voice/stream"),
        (
            "http://127.0.0.1:3334",
            "http://127.0.0.1:3334/voice/webhook",
            "ws://127.0.0.1:3334/voice/stream",
        ),
    ],
)
def test_the_urls_of_webhooks_and_streams(given_url: str, webhook: str, stream: str) -> None:
    assert urls(given_url) == (webhook, stream)


def test_a_listener_that_serves_the_root_keeps_the_whole_prefix() -> None:
    assert urls("https://a.example/line1", path="/") == (
        "https://a.example/line1",
        "wss://a.example/line1/voice/stream",
    )


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("https://Voice.Example.COM/Path", "https://voice.example.com/Path"),
        ("https://a.example:443/x", "https://a.example/x"),
        ("https://a.example./x", "https://a.example/x"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://a.example/grüße", "https://a.example/gr%C3%BC%C3%9Fe"),
        ("https://a.example/a%20b", "https://a.example/a%20b"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://localhost:3334/x", "http://localhost:3334/x"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("HTTPS://a.example", "https://a.example"),
    ],
)
def test_a_url_has_one_normal_form(written: str, normal: str) -> None:
    assert str(parse_public_url(written)) == normal


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("a.example/x", "whole URL"),
        ("", "whole URL"),
        ("ftp://a.example", "whole URL"),
        ("https:///x", "whole URL"),
        ("http://a.example", "must begin with https"),
        ("http://10.0.0.1", "must begin with https"),
        ("http://127.0.0.1.example.com", "must begin with https"),
        ("https://user:geheim@a.example", "user or password"),
        ("https://a.example/x?y=1", "query"),
        ("https://a.example/x?", "query"),
        ("https://a.example/#", "fragment"),
        ("https://a.example/a b", "spaces"),
        ("https://a.example\\@b.example", "backslashes"),
        ("https://a.example/a\nb", "control characters"),
        ("https://a.example/../x", "'..'"),
        ("https://a.example:0", "port"),
        ("https://a.example:", "port"),
        ("https://a.example:99999", "port"),
        ("https://-a.example", "host name"),
        ("https://a..example", "host name"),
        ("https://xn--\u2764.example", "host name"),
        ("https://1.2.3", "address"),
        ("https://[::x]", "URL|address"),
    ],
)
def test_what_carriers_cannot_use_is_refused_with_the_reason(wrong: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_public_url(wrong)


def test_a_password_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ValueError) as caught:
        parse_public_url("https://user:geheim@a.example")
    assert "geheim" not in str(caught.value)


def test_the_configuration_holds_the_normal_form() -> None:
    config = PublicUrlConfig.model_validate({"publicUrl": "https://A.example:443/hook/"})
    assert config.public_url == "https://a.example/hook"


def test_a_wrong_url_is_a_problem_of_its_key() -> None:
    with pytest.raises(ValidationError, match="publicUrl"):
        PublicUrlConfig.model_validate({"publicUrl": "http://a.example"})


def test_without_the_key_it_is_not_wanted() -> None:
    (spec,) = voicecall_exposures()
    assert not spec.wanted(PublicUrlConfig())
    assert spec.keys == ("publicUrl",)


@given(st.text())
def test_any_text_is_a_url_or_refused_with_a_reason(text: str) -> None:
    try:
        url = parse_public_url(f"https://{text}")
    except ValueError as error:
        assert str(error)
    else:
        assert parse_public_url(str(url)) == url
        assert str(url).isascii()


def test_without_the_key_it_says_what_is_missing() -> None:
    (spec,) = voicecall_exposures()

    async def main() -> None:
        async with spec.open(PublicUrlConfig(), None):  # type: ignore[arg-type]
            pass

    with pytest.raises(ExposureError, match="publicUrl is not set"):
        anyio.run(main)
