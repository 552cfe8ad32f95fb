"""Who is let in through the gateway WebSocket: protocols, secrets, device signatures, hello."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.openclaw_connect import Admission, Policy, Rejection, admit, hello
from voicecall.rpc.openclaw_device import SIGNATURE_SECONDS
from voicecall.rpc.openclaw_frames import Request, read_request

NOW = 1_800_000_000.0
NONCE = "the-nonce"
SAMPLES = json.loads((Path(__file__).parent / "samples" / "connect.json").read_text())


def decide(params: Any, *, nonce: str = NONCE, now: float = NOW) -> Admission | Rejection:
    doorkeeper = Doorkeeper(token="t", bind="127.0.0.1", password="p")
    request = Request(id="1", method="connect", params=params)
    return admit(request, doorkeeper=doorkeeper, nonce=nonce, now=now)


def code(decision: Admission | Rejection) -> object:
    assert isinstance(decision, Rejection)
    assert decision.fault.code == "INVALID_REQUEST"
    return decision.fault.details.get("code")


def signed(frames: Any, *, at: float = NOW, nonce: str = NONCE, **auth: str) -> dict[str, Any]:
    params: dict[str, Any] = frames.connect_params(4, **(auth or {"token": "t"}))
    params["device"] = frames.device().sign(params, nonce, int(at * 1000))
    return params


@pytest.mark.parametrize("sample", SAMPLES["frames"], ids=lambda sample: sample["client"])
def test_what_real_clients_send_is_let_in(sample: Any) -> None:
    request = read_request(json.dumps(sample["frame"]))
    device = sample["frame"]["params"].get("device")
    doorkeeper = Doorkeeper(token=SAMPLES["token"], bind="127.0.0.1", password=SAMPLES["password"])
    now = device["signedAt"] / 1000 if device else NOW
    admission = admit(request, doorkeeper=doorkeeper, nonce=SAMPLES["nonce"], now=now)
    assert isinstance(admission, Admission), admission
    assert admission.protocol == sample["frame"]["params"]["maxProtocol"]
    assert "operator.read" in admission.scopes


@pytest.mark.parametrize(
    ("low", "high", "agreed"),
    [(3, 3, 3), (4, 4, 4), (3, 4, 4), (1, 3, 3), (2, 2, None), (3, 5, None), (5, 5, None)]
    + [(4, 3, None)],
)
def test_the_protocol_is_the_highest_of_the_client_or_none(
    frames: Any, low: int, high: int, agreed: int | None
) -> None:
    params = frames.connect_params(token="t") | {"minProtocol": low, "maxProtocol": high}
    decision = decide(params)
    if agreed is None:
        assert code(decision) == "PROTOCOL_MISMATCH"
        assert isinstance(decision, Rejection)
        assert decision.fault.message == "protocol mismatch"
    else:
        assert isinstance(decision, Admission)
        assert decision.protocol == agreed


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ({"token": "t"}, None),
        ({"password": "p"}, None),
        ({"token": "t", "password": "wrong"}, None),
        ({"token": "", "password": "p"}, None),
        ({"token": "t", "deviceToken": "of-another-gateway"}, None),
        ({"token": "wrong"}, "AUTH_TOKEN_MISMATCH"),
        ({"token": "p"}, "AUTH_TOKEN_MISMATCH"),
        ({"token": "wrong", "password": "p"}, "AUTH_TOKEN_MISMATCH"),
        ({"password": "t"}, "AUTH_PASSWORD_MISMATCH"),
        ({"deviceToken": "t"}, "AUTH_TOKEN_MISSING"),
        ({"token": "", "password": ""}, "AUTH_TOKEN_MISSING"),
        ({}, "AUTH_TOKEN_MISSING"),
    ],
)
def test_token_or_password_open(frames: Any, auth: dict[str, str], expected: str | None) -> None:
    decision = decide(frames.connect_params(**auth))
    if expected is None:
        assert isinstance(decision, Admission)
    else:
        assert code(decision) == expected
        assert isinstance(decision, Rejection)
        assert decision.close_code == 1008


def test_without_a_password_of_its_own_the_token_is_the_password(frames: Any) -> None:
    request = Request(id="1", method="connect", params=frames.connect_params(password="t"))
    doorkeeper = Doorkeeper(token="t", bind="127.0.0.1")
    assert isinstance(admit(request, doorkeeper=doorkeeper, nonce=NONCE, now=NOW), Admission)


@pytest.mark.parametrize("auth", [{"token": "t"}, {"password": "p"}])
@pytest.mark.parametrize("skew", [0, -SIGNATURE_SECONDS, SIGNATURE_SECONDS])
def test_a_device_that_signs_is_let_in(frames: Any, auth: dict[str, str], skew: int) -> None:
    assert isinstance(decide(signed(frames, at=NOW + skew, **auth)), Admission)


def test_a_signed_request_still_needs_the_right_token(frames: Any) -> None:
    assert code(decide(signed(frames, token="wrong"))) == "AUTH_TOKEN_MISMATCH"


@pytest.mark.parametrize("skew", [-SIGNATURE_SECONDS - 1, SIGNATURE_SECONDS + 1])
def test_an_old_signature_or_one_from_the_future_is_refused(frames: Any, skew: int) -> None:
    decision = decide(signed(frames, at=NOW + skew))
    assert code(decision) == "DEVICE_AUTH_SIGNATURE_EXPIRED"


def test_a_signature_over_another_nonce_is_refused(frames: Any) -> None:
    decision = decide(signed(frames, nonce="of-another-connection"))
    assert code(decision) == "DEVICE_AUTH_NONCE_MISMATCH"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "0" * 64, "DEVICE_AUTH_DEVICE_ID_MISMATCH"),
        ("publicKey", "AAAA", "DEVICE_AUTH_PUBLIC_KEY_INVALID"),
        ("publicKey", "é", "DEVICE_AUTH_PUBLIC_KEY_INVALID"),
        ("publicKey", "not base64!", "DEVICE_AUTH_PUBLIC_KEY_INVALID"),
        ("signature", "A" * 86, "DEVICE_AUTH_SIGNATURE_INVALID"),
        ("signature", "short", "DEVICE_AUTH_SIGNATURE_INVALID"),
        ("signedAt", int(NOW * 1000) + 1, "DEVICE_AUTH_SIGNATURE_INVALID"),
        ("signedAt", 10**30, "DEVICE_AUTH_SIGNATURE_EXPIRED"),
    ],
)
def test_a_device_with_one_wrong_part_is_refused(
    frames: Any, field: str, value: Any, expected: str
) -> None:
    params = signed(frames)
    params["device"][field] = value
    assert code(decide(params)) == expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("scopes",), ["operator.admin"]),
        (("client", "id"), "other"),
        (("client", "mode"), "other"),
        (("client", "platform"), "darwin"),
        (("client", "deviceFamily"), "Mac"),
    ],
)
def test_what_was_signed_cannot_be_changed(frames: Any, path: tuple[str, ...], value: Any) -> None:
    params = signed(frames)
    target = params
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    assert code(decide(params)) == "DEVICE_AUTH_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "change",
    [
        {"minProtocol": "4"},
        {"maxProtocol": 0},
        {"client": None},
        {"client": {"id": "cli"}},
        {"client": {"id": "", "version": "1", "platform": "linux", "mode": "cli"}},
        {"scopes": [1]},
        {"auth": "t"},
        {"auth": {"token": 1}},
        {"device": {}},
        {"role": "node"},
        {"role": ""},
    ],
)
def test_malformed_params_are_an_invalid_request(frames: Any, change: dict[str, Any]) -> None:
    decision = decide(frames.connect_params(token="t") | change)
    assert isinstance(decision, Rejection)
    assert (decision.fault.code, decision.close_code) == ("INVALID_REQUEST", 1008)


def test_properties_of_later_releases_are_skipped(frames: Any) -> None:
    params = frames.connect_params(token="t") | {"locale": "en", "later": {"x": 1}}
    params["client"] |= {"later": True}
    params["auth"] |= {"bootstrapToken": "x", "later": None}
    assert isinstance(decide(params), Admission)


def test_role_scopes_and_device_may_be_missing(frames: Any) -> None:
    params = frames.connect_params(token="t")
    del params["role"], params["scopes"], params["caps"]
    decision = decide(params | {"device": None})
    assert isinstance(decision, Admission)
    assert decision.scopes == []


@pytest.mark.parametrize("protocol", [3, 4])
def test_the_hello_is_whole_and_has_nothing_that_a_strict_client_refuses(
    frames: Any, protocol: int
) -> None:
    payload = hello(
        Admission(request_id="1", protocol=protocol, scopes=["operator.read"]),
        conn_id="c",
        methods=["health"],
        health={"ok": True},
        uptime_ms=0,
        policy=Policy(max_payload=1, max_buffered_bytes=1, tick_interval_ms=1),
    )
    frames.whole_hello(payload, protocol)
    assert ("auth" in payload) == (protocol == 4)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    field=st.sampled_from(["minProtocol", "maxProtocol", "client", "role", "scopes", "auth"]),
    value=JSON,
)
def test_whatever_is_sent_gets_a_decision(frames: Any, field: str, value: Any) -> None:
    assert decide(frames.connect_params(token="t") | {field: value}) is not None
    assert decide(value) is not None


@given(field=st.sampled_from(["id", "publicKey", "signature", "nonce"]), value=st.text())
def test_no_text_of_a_device_does_any_harm(frames: Any, field: str, value: str) -> None:
    params = signed(frames)
    if params["device"][field] != value:
        params["device"][field] = value
        assert isinstance(decide(params), Rejection)
