"""Is exactly what Telnyx signed believed? Published cases, and its SDK as the oracle."""

import base64
import functools
import json
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecall.sdk import SignatureInvalid, WebhookError, WebhookRequest, WebhookStale
from voicecall_telnyx.keys import read_key
from voicecall_telnyx.webhooks import SIGNATURE_HEADER, TIMESTAMP_HEADER, verify

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_bytes())
CASES = VECTORS["cases"]
SEED = base64.b64decode(VECTORS["test_private_seed_base64"])
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)
PUBLIC = VECTORS["test_public_key_base64"]
NOW = 1_795_000_000


def request(
    body: bytes, headers: Sequence[tuple[str, str]], *, at: float = NOW, url: str | None = None
) -> WebhookRequest:
    url = url or "https://voice.example.com/webhooks/telnyx"
    return WebhookRequest(
        method="POST",
        url=url,
        hook="",
        query_string=urlsplit(url).query,
        headers=tuple((name.lower(), value) for name, value in headers),
        body=body,
        received_at=at,
    )


def signed(
    body: bytes, *, at: int = NOW, key: Ed25519PrivateKey = PRIVATE
) -> list[tuple[str, str]]:
    signature = key.sign(str(at).encode() + b"|" + body)
    return [
        (SIGNATURE_HEADER, base64.b64encode(signature).decode()),
        (TIMESTAMP_HEADER, str(at)),
    ]


def is_accepted(request: WebhookRequest, *keys: str) -> bool:
    try:
        verify(request, [read_key(key) for key in keys])
    except (WebhookError, ValueError):
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_published_case_is_judged_as_it_must_be(case: Any) -> None:
    asked = request(
        base64.b64decode(case["body"]), case["headers"], at=case["now"], url=case["url"]
    )
    assert is_accepted(asked, case["secret"]) is case["expected"], case["why"]


@pytest.mark.parametrize("age", [300, -60, 0])
def test_acceptance_15_exactly_at_the_border_of_time_is_in_time(age: int) -> None:
    verify(request(b"{}", signed(b"{}", at=NOW - age)), [read_key(PUBLIC)])


@pytest.mark.parametrize("age", [300, -60])
def test_a_border_in_whole_seconds_does_not_depend_on_the_fraction_of_ours(age: int) -> None:
    verify(request(b"{}", signed(b"{}", at=NOW - age), at=NOW + 0.9), [read_key(PUBLIC)])


@pytest.mark.parametrize("age", [301, -61])
def test_acceptance_15_a_second_more_is_stale(age: int) -> None:
    with pytest.raises(WebhookStale):
        verify(request(b"{}", signed(b"{}", at=NOW - age)), [read_key(PUBLIC)])


def test_a_key_may_be_pem_der_or_raw() -> None:
    public = PRIVATE.public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    asked = request(b"{}", signed(b"{}"))
    for text in (pem, pem.replace("\n", "\r\n"), base64.b64encode(der).decode(), f" {PUBLIC}\n"):
        assert is_accepted(asked, text), text
    assert is_accepted(asked, base64.b64encode(raw).decode())


def test_any_of_several_keys_will_do() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    raw = other.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    keys = [base64.b64encode(raw).decode(), PUBLIC]
    assert is_accepted(request(b"{}", signed(b"{}")), *keys)
    assert is_accepted(request(b"{}", signed(b"{}", key=other)), *keys)
    assert not is_accepted(request(b"{}", signed(b"{}", key=other)), PUBLIC)


def test_without_a_key_nothing_is_believed() -> None:
    with pytest.raises(SignatureInvalid, match="publicKey"):
        verify(request(b"{}", signed(b"{}")), [])


def test_a_repeated_timestamp_header_is_refused() -> None:
    headers = [*signed(b"{}"), (TIMESTAMP_HEADER, str(NOW))]
    with pytest.raises(SignatureInvalid):
        verify(request(b"{}", headers), [read_key(PUBLIC)])


def test_a_repetition_of_telnyx_is_another_delivery_of_the_same_event() -> None:
    first, again = (
        request(body, signed(body))
        for body in (b'{"meta":{"attempt":1}}', b'{"meta":{"attempt":2}}')
    )
    keys = [read_key(PUBLIC)]
    assert verify(first, keys).replay_key != verify(again, keys).replay_key
    assert verify(first, keys).replay_key == verify(first, keys).replay_key


# -- the SDK as the oracle; it takes text only, and its own clock


@functools.cache
def sdk() -> Any:
    telnyx = pytest.importorskip("telnyx", reason="the SDK is the oracle")
    logging.getLogger("telnyx").setLevel(logging.WARNING)
    return telnyx.AsyncTelnyx(api_key="KEY", public_key=PUBLIC)


def sdk_accepts(body: bytes, headers: Sequence[tuple[str, str]]) -> bool:
    try:
        sdk().webhooks.unwrap(body.decode(), headers=dict(headers))
    except ValueError:
        return False
    return True


json_texts = st.text(st.characters(exclude_categories=["Cs"]))
payloads = st.dictionaries(json_texts, st.none() | st.booleans() | st.integers() | json_texts)


@given(payload=payloads, ascii_only=st.booleans(), change=st.sampled_from(["", "body", "stamp"]))
@settings(max_examples=150, deadline=None)
def test_the_sdk_and_we_agree(payload: Any, ascii_only: bool, change: str) -> None:
    report = {"data": {"event_type": "call.answered", "id": "1", "payload": payload}}
    body = json.dumps(report, ensure_ascii=ascii_only).encode()
    at = int(time.time())
    headers = signed(body, at=at)
    if change == "body":
        body += b" "
    if change == "stamp":
        headers[1] = (TIMESTAMP_HEADER, str(at - 1))
    ours = is_accepted(request(body, headers, at=at), PUBLIC)
    assert ours is sdk_accepts(body, headers) is (change == "")


@given(place=st.integers(0, 87), other=st.sampled_from("ABCabc019+/=-_ é"))
@settings(max_examples=150, deadline=None)
def test_the_sdk_and_we_agree_about_broken_signatures(place: int, other: str) -> None:
    body = b'{"data":{"event_type":"call.answered"}}'
    at = int(time.time())
    (name, signature), stamp = signed(body, at=at)
    broken = signature[:place] + other + signature[place + 1 :]
    headers = [(name, broken), stamp]
    ours = is_accepted(request(body, headers, at=at), PUBLIC)
    assert ours is sdk_accepts(body, headers) or broken.strip() != broken


@given(junk=st.text(max_size=120))
@settings(deadline=None)
def test_nothing_in_the_headers_raises_anything_else(junk: str) -> None:
    good = signed(b"{}")
    for headers in ([(SIGNATURE_HEADER, junk), good[1]], [good[0], (TIMESTAMP_HEADER, junk)]):
        asked = request(b"{}", headers)
        try:
            verify(asked, [read_key(PUBLIC)])
        except WebhookError:
            continue
        assert junk.strip() in (good[0][1], good[1][1])
