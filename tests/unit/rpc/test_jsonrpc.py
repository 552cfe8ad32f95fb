"""JSON-RPC 2.0: what is read from the bytes, how it is answered, and its errors, one by one."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.rpc.faults import _KINDS, UNAVAILABLE, Fault
from voicecall.rpc.jsonrpc import CODE_OF_KIND, INTERNAL_ERROR, MAX_BATCH, read
from voicecall.rpc.methods import METHODS

STAYS, REFUSED, NO = "+15551230003", "+15551230006", "+15551230007"

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
IDS = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0"), "method": st.sampled_from([*METHODS, "no.such"])},
    optional={"id": IDS, "params": st.dictionaries(st.text(), VALUES, max_size=2)},
)
NEARLY = st.fixed_dictionaries(
    {}, optional={name: VALUES for name in ("jsonrpc", "method", "id", "params")}
)


def answered(body: bytes) -> Any:
    """What becomes of `body` where every method answers its name."""
    message = read(body)
    reply = message.reply([{"method": ask.method} for ask in message.asks])
    return None if reply is None else json.loads(reply)


def refusal(body: str | bytes) -> tuple[int, Any]:
    """The code of the only answer, and its id."""
    answer = answered(body if isinstance(body, bytes) else body.encode())
    assert answer["error"]["message"]
    assert answer["error"]["data"]["details"]["kind"] == "invalid"
    assert set(answer) == {"jsonrpc", "id", "error"}
    return answer["error"]["code"], answer["id"]


@pytest.mark.parametrize(
    ("body", "code", "name"),
    [
        ("", -32700, None),
        ("{", -32700, None),
        ('{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', -32700, None),
        (b"\xff", -32700, None),
        ('{"jsonrpc": "2.0", "method": "health", "id": NaN}', -32700, None),
        ('{"jsonrpc": "2.0", "method": "health", "id": 1e999}', -32700, None),
        ("[" * 100_000, -32700, None),
        ("[]", -32600, None),
        ("null", -32600, None),
        ("1", -32600, None),
        ('{"jsonrpc": "2.0", "method": 1, "params": "bar"}', -32600, None),
        ('{"jsonrpc": "1.0", "method": "health", "id": 4}', -32600, 4),
        ('{"method": "health", "id": "x"}', -32600, "x"),
        ('{"jsonrpc": "2.0", "id": 5}', -32600, 5),
        ('{"jsonrpc": "2.0", "method": "health", "id": [1]}', -32600, None),
        ('{"jsonrpc": "2.0", "method": "health", "id": true}', -32600, None),
        ('{"jsonrpc": "2.0", "method": "health", "id": 6, "params": 7}', -32600, 6),
    ],
)
def test_what_is_no_request_is_refused_as_the_specification_says(
    body: str | bytes, code: int, name: object
) -> None:
    assert refusal(body) == (code, name)


def test_a_batch_that_is_too_long_is_refused_whole() -> None:
    ask = {"jsonrpc": "2.0", "method": "health", "id": 1}
    assert len(answered(json.dumps([ask] * MAX_BATCH).encode())) == MAX_BATCH
    assert refusal(json.dumps([ask] * (MAX_BATCH + 1))) == (-32600, None)


@given(st.lists(REQUESTS, min_size=1, max_size=5))
def test_every_request_with_an_id_is_answered_once_under_that_id(asks: list[Any]) -> None:
    answers = answered(json.dumps(asks).encode())
    expected = [{"id": ask["id"], "of": ask["method"]} for ask in asks if "id" in ask]
    if not expected:
        assert answers is None
        return
    assert [{"id": each["id"], "of": each["result"]["method"]} for each in answers] == expected


@given(REQUESTS)
def test_a_single_request_is_answered_alone_and_a_notification_not_at_all(ask: Any) -> None:
    answer = answered(json.dumps(ask).encode())
    expected = {"jsonrpc": "2.0", "id": ask.get("id"), "result": {"method": ask["method"]}}
    assert answer == (expected if "id" in ask else None)


@given(st.lists(REQUESTS | NEARLY | VALUES, min_size=1, max_size=4) | NEARLY | VALUES)
def test_whatever_json_comes_the_answer_is_one_that_the_specification_knows(value: Any) -> None:
    answers = answered(json.dumps(value).encode())
    if not isinstance(answers, list):
        answers = [] if answers is None else [answers]
    for answer in answers:
        assert answer["jsonrpc"] == "2.0"
        assert ("result" in answer) != ("error" in answer)
        assert set(answer) - {"result", "error"} == {"jsonrpc", "id"}


@given(st.binary(max_size=60))
def test_any_bytes_are_answered(body: bytes) -> None:
    assert read(body).reply([{}] * len(read(body).asks)) is not None or read(body).asks


def test_every_kind_of_fault_has_a_code_of_its_own_and_says_what_it_is() -> None:
    kinds = {kind for _, _, kind in _KINDS}
    assert set(CODE_OF_KIND) == kinds
    assert len(set(CODE_OF_KIND.values())) == len(kinds)
    ask = read(b'{"jsonrpc": "2.0", "method": "health", "id": 1}')
    for kind, code in CODE_OF_KIND.items():
        assert code in (-32602, INTERNAL_ERROR) or -32099 <= code <= -32000
        fault = Fault(code=UNAVAILABLE, message="no", details={"kind": kind})
        reply = ask.reply([fault])
        assert reply is not None
        assert json.loads(reply)["error"] == {
            "code": code,
            "message": "no",
            "data": {"code": UNAVAILABLE, "details": {"kind": kind}},
        }


# -- over HTTP


def posted(gateway: Any, body: object) -> httpx.Response:
    return httpx.post(
        f"{gateway.url}/rpc",
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {gateway.token}"},
        timeout=20,
    )


def ask(method: str, params: object = None, **more: object) -> dict[str, object]:
    shown = {} if params is None else {"params": params}
    return {"jsonrpc": "2.0", "method": method, **shown, **more}


def test_a_batch_runs_in_its_order_and_answers_what_wants_an_answer(gateway: Any) -> None:
    reply = posted(
        gateway,
        [
            ask("voicecall.start", {"to": STAYS}, id="a"),
            ask("voicecall.start", {"to": STAYS}),
            ask("voicecall.status", id=None),
            7,
            ask("voicecall.status", {"callId": "nobody"}, id=2.5),
        ],
    )
    first, live, unfit, unknown = reply.json()
    assert reply.status_code == 200
    assert (first["id"], first["result"]["initiated"]) == ("a", True)
    assert (live["id"], len(live["result"]["calls"])) == (None, 2)
    assert (unfit["id"], unfit["error"]["code"]) == (None, -32600)
    assert (unknown["id"], unknown["result"]) == (2.5, {"found": False})


def test_notifications_are_carried_out_and_answered_with_nothing(gateway: Any) -> None:
    reply = posted(gateway, ask("voicecall.start", {"to": STAYS}))
    assert (reply.status_code, reply.content) == (204, b"")
    assert posted(gateway, [ask("no.such")]).status_code == 204
    assert len(gateway.service.calls) == 1


@pytest.mark.parametrize(
    ("method", "params", "code", "data"),
    [
        ("no.such", {}, -32601, {"kind": "invalid"}),
        ("rpc.discover", [], -32601, {"kind": "invalid"}),
        ("voicecall.end", {}, -32602, {"kind": "invalid"}),
        ("voicecall.end", ["by position"], -32602, {"kind": "invalid"}),
        ("voicecall.end", {"callId": "nobody"}, -32001, {"kind": "not-found"}),
        (
            "voicecall.start",
            {"to": REFUSED},
            -32003,
            {"kind": "policy", "reason": "policy.destination"},
        ),
        (
            "voicecall.start",
            {"to": NO},
            -32009,
            {"kind": "provider", "retryable": False, "carrierCode": "21211"},
        ),
    ],
)
def test_a_refusal_has_the_code_of_its_kind_and_ours_beside_it(
    gateway: Any, method: str, params: object, code: int, data: object
) -> None:
    error = posted(gateway, ask(method, params, id=1)).json()["error"]
    assert (error["code"], error["data"]["details"]) == (code, data)
    assert error["data"]["code"] in ("INVALID_REQUEST", "UNAVAILABLE")


def test_json_rpc_needs_the_token_like_everything_else(gateway: Any) -> None:
    reply = httpx.post(f"{gateway.url}/rpc", json=ask("health", id=1))
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "AUTH_TOKEN_MISSING")


def test_params_of_null_count_as_absent() -> None:
    message = read(b'{"jsonrpc": "2.0", "id": 1, "method": "health", "params": null}')
    assert [ask.params for ask in message.asks] == [None]
