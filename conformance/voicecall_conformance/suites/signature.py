"""Does the provider believe the carrier, and nobody else?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

from voicecall.sdk import (
    CallAnswered,
    SignatureInvalid,
    SpeechHeard,
    WebhookRequest,
    WebhookStale,
)
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.rig import Rig
from voicecall_conformance.rules import Suite, applies, hold, refused, rule

TEXTS = ("hello", "", "Grüße & <b>Küsse</b>", "a+b=100%", "電話 📞", "שלום", '"\\', "x" * 3000)
JUNK = ("%%%", "AAAA", "=", "0" * 40, "é", "\u96fb\u8a71", "\ud800", "\x00", "x" * 100_000)
UNDECODABLE = (b"\xff\xfe=%zz", b"\x00" * 10, b'{"\xff', b"")
STRANGERS_KEY = "the-key-of-a-stranger-whom-nobody-knows"
"""Long enough for HMAC-SHA256, of which libraries ask 32 bytes."""
INNER = "http://10.0.0.7:3334/voice/webhook"


def answered(rig: Rig) -> WebhookRequest:
    """A signed webhook that every carrier can send."""
    return rig.webhook(rig.about(CallAnswered, key="answered"))


def forged(rig: Rig) -> WebhookRequest:
    """The same webhook, signed with another key."""
    stranger = type(rig.harness)(key=STRANGERS_KEY)
    event = rig.about(CallAnswered, key="answered")
    request = stranger.webhook(event, urls=rig.urls, at=NOW)
    if request is None:
        raise LookupError("the double signs nothing with another key")
    rig.note(request)
    return request


def moved(request: WebhookRequest, url: str) -> WebhookRequest:
    """The same request, arriving at `url`."""
    return replace(request, url=url, query_string=urlsplit(url).query)


def _elsewhere(url: str, *, other_port: bool) -> Iterator[str]:
    parts = urlsplit(url)
    yield url.replace("https:", "http:", 1)
    yield url.replace("voice.example.test", "voice.example.invalid", 1)
    if other_port:
        yield url.replace(":8443", ":9443", 1)
    yield url.replace(parts.path, parts.path + "/more", 1)
    yield url.replace("?", "?admin=1&", 1) if parts.query else f"{url}?admin=1"


class SignatureSuite(Suite):
    """Area `signature`."""

    @rule("signature.genuine")
    async def test_what_the_carrier_signed_is_accepted(self, rig: Rig) -> None:
        for number, text in enumerate(TEXTS):
            event = rig.about(SpeechHeard, key=f"heard-{number}", text=text)
            request = rig.phrase(event) or answered(rig)
            rig.provider.verify(request)

    @rule("signature.missing")
    async def test_a_webhook_without_signature_is_refused(self, rig: Rig) -> None:
        request = answered(rig)
        name = rig.spec.signature_header
        hold(request.header(name) is not None, f"the double signs with no {name!r} header")
        kept = tuple(pair for pair in request.headers if pair[0] != name)
        empty = (*kept, (name, ""))
        for headers in (kept, empty):
            with refused(SignatureInvalid, f"a webhook without {name!r}"):
                rig.provider.verify(replace(request, headers=headers))

    @rule("signature.repeated")
    async def test_a_webhook_signed_twice_is_refused(self, rig: Rig) -> None:
        request = answered(rig)
        name = rig.spec.signature_header
        twice = (*request.headers, (name, request.header_values(name)[0]))
        with refused(SignatureInvalid, f"a webhook with two {name!r} headers"):
            rig.provider.verify(replace(request, headers=twice))

    @rule("signature.key")
    async def test_another_key_is_refused(self, rig: Rig) -> None:
        rig.provider.verify(answered(rig))
        with refused(SignatureInvalid, "a webhook signed with another key"):
            rig.provider.verify(forged(rig))

    @rule("signature.body")
    async def test_a_changed_byte_is_refused(self, rig: Rig) -> None:
        request = answered(rig)
        rig.provider.verify(request)
        for place in range(0, len(request.body), max(1, len(request.body) // 50)):
            body = bytearray(request.body)
            body[place] ^= 1
            with refused(SignatureInvalid, f"byte {place} changed: {bytes(body)!r}"):
                rig.provider.verify(replace(request, body=bytes(body)))
        with refused(SignatureInvalid, "an appended byte"):
            rig.provider.verify(replace(request, body=request.body + b"0"))

    @rule("signature.url")
    async def test_another_url_is_refused(self, rig: Rig) -> None:
        request = answered(rig)
        rig.provider.verify(request)
        for url in _elsewhere(request.url, other_port=rig.harness.signs_port):
            if not rig.harness.signs_url:
                rig.provider.verify(moved(request, url))
                continue
            with refused(SignatureInvalid, f"signed for {request.url}, sent to {url}"):
                rig.provider.verify(moved(request, url))

    @rule("signature.alternatives")
    async def test_an_alternative_url_counts(self, rig: Rig) -> None:
        request = answered(rig)
        rig.provider.verify(replace(request, url=INNER, alternative_urls=(request.url,)))

    @rule("signature.window")
    async def test_age_is_judged_exactly_where_it_is_signed(self, rig: Rig) -> None:
        request = answered(rig)
        oldest, newest = NOW + rig.harness.max_age_seconds, NOW - rig.harness.max_ahead_seconds
        for received_at in (oldest, newest):
            rig.provider.verify(replace(request, received_at=received_at))
        for received_at in (oldest + 1, newest - 1):
            late = replace(request, received_at=received_at)
            if not rig.harness.signs_time:
                rig.provider.verify(late)
                continue
            with refused(WebhookStale, f"signed at {NOW}, received at {received_at}"):
                rig.provider.verify(late)

    @rule("signature.silent")
    async def test_a_refusal_gives_nothing_away(self, rig: Rig) -> None:
        request = answered(rig)
        private = [value for _, value in parse_qsl(request.query_string)]
        private += [value for name, value in request.headers if name == rig.spec.signature_header]
        with refused(SignatureInvalid, "a changed body") as caught:
            rig.provider.verify(replace(request, body=request.body + b"0"))
        told = [value for value in private if value in str(caught[0])]
        hold(not told, f"the refusal tells {told!r}: {caught[0]}")

    @rule("signature.junk")
    async def test_what_is_no_signature_is_refused_and_nothing_worse(self, rig: Rig) -> None:
        request = answered(rig)
        name = rig.spec.signature_header
        kept = tuple(pair for pair in request.headers if pair[0] != name)
        for junk in JUNK:
            with refused(SignatureInvalid, f"the signature {junk[:20]!r}"):
                rig.provider.verify(replace(request, headers=(*kept, (name, junk))))
        for body in UNDECODABLE:
            with refused(SignatureInvalid, f"the body {body!r}, which nobody signed"):
                rig.provider.verify(replace(request, body=body))
        if rig.harness.signs_url:
            with refused(SignatureInvalid, "a query that cannot be decoded"):
                rig.provider.verify(moved(request, f"{INNER}?%ff=%zz&%"))

    @rule("signature.several")
    async def test_one_of_several_signatures_is_enough(self, rig: Rig) -> None:
        request, stranger = answered(rig), forged(rig)
        rig.provider.verify(request)
        both = rig.harness.several(request, stranger)
        applies(both is not None, "the carrier puts one signature into a header")
        assert both is not None
        rig.note(both)
        rig.provider.verify(both)
        strangers = rig.harness.several(stranger, stranger)
        assert strangers is not None
        with refused(SignatureInvalid, "two signatures of which none fits"):
            rig.provider.verify(strangers)
