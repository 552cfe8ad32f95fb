"""Is a request believed exactly when Twilio signed it?"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from voicecall.sdk import (
    CallId,
    SignatureInvalid,
    StreamOpening,
    StreamToken,
    VerifiedWebhook,
    WebhookRequest,
)
from voicecall_twilio.signatures import SETTINGS_HEADER, Keys, verify, verify_stream

CASES = json.loads((Path(__file__).parent / "vectors.json").read_bytes())["cases"]
TOKEN = "12345"
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def request(
    url: str, *, headers: dict[str, str], body: bytes = b"", method: str = "POST"
) -> WebhookRequest:
    return WebhookRequest(
        method=method,
        url=url,
        hook="",
        query_string=urlsplit(url.partition("#")[0]).query,
        headers=tuple((name.lower(), value) for name, value in headers.items()),
        body=body,
        received_at=0.0,
    )


def opening(url: str, headers: tuple[tuple[str, str], ...]) -> StreamOpening:
    return StreamOpening(call_id=CallId("c"), token=StreamToken("t"), url=url, headers=headers)


def believed(case: dict[str, Any]) -> bool:
    headers = tuple((name.lower(), value) for name, value in case["headers"])
    shared = any(name == SETTINGS_HEADER for name, _ in headers)
    secret = case["secret"]
    keys = Keys(
        auth_token="" if shared else secret,
        shared={"webhooks_sharedkey_01": secret} if shared else {},
    )
    try:
        if case.get("websocket"):
            verify_stream(opening(case["url"], headers), keys)
        else:
            verify(
                WebhookRequest(
                    method=case["method"],
                    url=case["url"],
                    hook="",
                    query_string=case["url"].partition("#")[0].partition("?")[2],
                    headers=headers,
                    body=base64.b64decode(case["body"]),
                    received_at=0.0,
                ),
                keys,
            )
    except SignatureInvalid:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_vector_is_believed_exactly_when_it_says_so(case: dict[str, Any]) -> None:
    assert believed(case) is case["expected"], case["why"]


def test_there_are_vectors_of_both_kinds() -> None:
    assert {case["level"] for case in CASES} == {"must", "policy"}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
hosts = st.sampled_from(["voice.example.com", "h.example", "x--y.example.co.uk", "203.0.113.9"])
ports = st.sampled_from(["", ":443", ":80", ":8443", ":1"])
paths = st.lists(st.sampled_from(["a", "voice", "%2f", "%C5%BC", "", "+", "~x"]), max_size=4)
urls = st.builds(
    lambda scheme, host, port, path, query: (
        f"{scheme}://{host}{port}/{'/'.join(path)}" + (f"?{urlencode(query)}" if query else "")
    ),
    st.sampled_from(["https", "http"]),
    hosts,
    ports,
    paths,
    st.lists(st.tuples(texts, texts), max_size=3),
)
fields = st.dictionaries(texts, texts, max_size=6)


@given(url=urls, form=fields)
def test_what_the_sdk_signs_is_believed(url: str, form: dict[str, str]) -> None:
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    sent = request(url, headers=headers, body=urlencode(form).encode())
    assert RequestValidator(TOKEN).validate(url, form, signature)
    assert isinstance(verify(sent, Keys(auth_token=TOKEN)), VerifiedWebhook)


@given(url=urls, form=fields, changed=fields)
def test_sdk_and_we_agree_about_a_changed_form(
    url: str, form: dict[str, str], changed: dict[str, str]
) -> None:
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    sent = request(url, headers=headers, body=urlencode(changed).encode())
    try:
        verify(sent, Keys(auth_token=TOKEN))
        accepted = True
    except SignatureInvalid:
        accepted = False
    assert accepted is RequestValidator(TOKEN).validate(url, changed, signature)


@given(url=urls, body=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_a_json_body_is_covered_by_its_hash(url: str, body: str) -> None:
    validator = RequestValidator(TOKEN)
    url += ("&" if "?" in url else "?") + f"bodySHA256={validator.compute_hash(body)}"
    headers = {
        "content-type": "application/json",
        "x-twilio-signature": validator.compute_signature(url, {}),
    }
    verify(request(url, headers=headers, body=body.encode()), Keys(auth_token=TOKEN))
    with pytest.raises(SignatureInvalid):
        verify(request(url, headers=headers, body=body.encode() + b"x"), Keys(auth_token=TOKEN))


@given(path=paths, slash=st.sampled_from(["", "/"]), seen=st.sampled_from(["", "/"]))
def test_a_handshake_is_believed_with_and_without_the_slash(
    path: list[str], slash: str, seen: str
) -> None:
    base = f"wss://voice.example.com:8443/{'/'.join(path)}x"
    signature = RequestValidator(TOKEN).compute_signature(base + slash, {})
    header = (("x-twilio-signature", signature),)
    verify_stream(opening(base + seen, header), Keys(auth_token=TOKEN))
    with pytest.raises(SignatureInvalid):
        verify_stream(opening(base + "y" + seen, header), Keys(auth_token=TOKEN))


@given(url=urls, form=fields)
def test_a_shared_key_signs_with_sha256(url: str, form: dict[str, str]) -> None:
    signature = RequestValidator("shared").compute_signature(url, form, "HMAC_SHA256")
    headers = {
        "content-type": FORM,
        "x-twilio-signature": signature,
        SETTINGS_HEADER: "key=k1,algorithm=HMAC_SHA256",
    }
    sent = request(url, headers=headers, body=urlencode(form).encode())
    verify(sent, Keys(auth_token=TOKEN, shared={"k1": "shared"}))
    for shared in ({}, {"k2": "shared"}, {"k1": "other"}):
        with pytest.raises(SignatureInvalid):
            verify(sent, Keys(auth_token=TOKEN, shared=shared))


@pytest.mark.parametrize(
    "settings",
    ["key=k1,algorithm=HMAC_SHA1", "key=k1", "algorithm=HMAC_SHA256", "key=k1,algorithm=NONE"],
)
def test_a_shared_key_with_another_algorithm_is_refused(settings: str) -> None:
    url = "https://voice.example.com/x"
    signature = RequestValidator("shared").compute_signature(url, {}, "HMAC_SHA1")
    headers = {"content-type": FORM, "x-twilio-signature": signature, SETTINGS_HEADER: settings}
    with pytest.raises(SignatureInvalid):
        verify(request(url, headers=headers), Keys(auth_token=TOKEN, shared={"k1": "shared"}))


def test_no_token_believes_nobody() -> None:
    url = "https://voice.example.com/x"
    signature = RequestValidator("").compute_signature(url, {})
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    with pytest.raises(SignatureInvalid):
        verify(request(url, headers=headers), Keys(auth_token=""))


def test_the_order_of_fields_makes_no_other_delivery() -> None:
    url, form = "https://voice.example.com/x", {"A": "1", "B": "2"}
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    headers = {"content-type": FORM, "x-twilio-signature": signature}
    keys = {
        verify(request(url, headers=headers, body=body), Keys(auth_token=TOKEN)).replay_key
        for body in (b"A=1&B=2", b"B=2&A=1", b"A=1&B=2&A=1", b"A=%31&B=2")
    }
    assert len(keys) == 1


def test_keys_are_not_printed() -> None:
    keys = Keys(auth_token="the-token", shared={"k1": "the-shared"})
    assert "the-token" not in repr(keys)
    assert "the-shared" not in repr(keys)
