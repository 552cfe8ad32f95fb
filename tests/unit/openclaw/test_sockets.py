"""The gateway WebSocket over real sockets: strict clients, a raw one, and ill-behaved ones."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidStatus

from voicecall.rpc.methods import METHODS

STAYS, TALKS, REFUSED = "+15551230003", "+15551230001", "+15551230006"
PROTOCOLS = pytest.mark.parametrize("protocol", [3, 4])
Client = Callable[..., Any]


@PROTOCOLS
def test_a_strict_client_gets_a_whole_hello(client: Client, gateway: Any, protocol: int) -> None:
    hello = client(protocol).connect(token=gateway.token)
    assert set(hello["features"]["methods"]) == set(METHODS)
    assert {"tick", "voicecall.call", "voicecall.transcript"} <= set(hello["features"]["events"])
    assert hello["snapshot"]["health"]["ok"] is True
    assert hello["policy"]["tickIntervalMs"] == 15_000


@PROTOCOLS
def test_a_call_from_beginning_to_end(client: Client, gateway: Any, protocol: int) -> None:
    one = client(protocol)
    one.connect(token=gateway.token)
    assert one.ask("voicecall.status")["payload"] == {"calls": []}
    placed = one.ask("voicecall.initiate", {"to": STAYS, "message": "hi"})["payload"]
    assert placed["initiated"] is True
    call = {"callId": placed["callId"]}
    words = call | {"message": "shall we?"}
    assert one.ask("voicecall.continue", words)["payload"] == {
        "success": True,
        "transcript": "yes please",
    }
    assert one.ask("voicecall.speak", words)["payload"] == {"success": True}
    assert one.ask("voicecall.dtmf", call | {"digits": "1"})["payload"] == {"success": True}
    assert one.ask("voicecall.end", call)["payload"] == {"success": True}
    found = one.ask("voicecall.status", call)["payload"]
    assert (found["found"], found["call"]["state"]) == (True, "hangup-bot")
    assert one.ask("health")["payload"]["ok"] is True


def test_calls_and_what_is_said_are_told_to_every_client(client: Client, gateway: Any) -> None:
    caller, watcher = client(3), client(4)
    for one in (caller, watcher):
        one.connect(token=gateway.token)
    call_id = caller.ask("voicecall.initiate", {"to": STAYS, "message": "hi"})["payload"]["callId"]
    caller.ask("voicecall.continue", {"callId": call_id, "message": "shall we?"})
    gateway.portal.call(gateway.service.hear_partial, call_id, "I thi")
    caller.ask("voicecall.end", {"callId": call_id})
    for one in (caller, watcher):
        created = one.until("voicecall.call", type="created")
        assert created["call"]["callId"] == created["callId"] == call_id
        assert one.until("voicecall.transcript", speaker="bot")["text"] == "shall we?"
        assert one.until("voicecall.transcript", isFinal=True, speaker="user")["text"]
        assert one.until("voicecall.transcript", isFinal=False)["text"] == "I thi"
        ended = one.until("voicecall.call", type="finished")
        assert ended["call"]["state"] == "hangup-bot"


@pytest.mark.parametrize(
    ("method", "params", "code", "message"),
    [
        ("voicecall.end", {}, "INVALID_REQUEST", "callId required"),
        ("voicecall.speak", {"callId": "x"}, "INVALID_REQUEST", "callId and message required"),
        ("voicecall.initiate", None, "INVALID_REQUEST", "message required"),
        ("voicecall.end", {"callId": "nobody"}, "INVALID_REQUEST", "Call not found"),
        ("voicecall.fly", {}, "INVALID_REQUEST", "unknown method 'voicecall.fly'"),
        ("connect", {}, "INVALID_REQUEST", "connect is only valid as the first request"),
        ("voicecall.status", [], "INVALID_REQUEST", "params must be a JSON object"),
        ("voicecall.start", {"to": REFUSED}, "UNAVAILABLE", "this number is not allowed"),
    ],
)
def test_errors_are_objects_with_code_and_message(
    client: Client, gateway: Any, method: str, params: Any, code: str, message: str
) -> None:
    one = client()
    one.connect(token=gateway.token)
    answer = one.ask(method, params)
    assert (answer["error"]["code"], answer["error"]["message"]) == (code, message)
    assert one.ask("health")["ok"]


@PROTOCOLS
@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({"token": "not-the-token"}, "AUTH_TOKEN_MISMATCH"),
        ({}, "AUTH_TOKEN_MISSING"),
        ({"password": "not-the-password"}, "AUTH_PASSWORD_MISMATCH"),
    ],
)
def test_a_wrong_secret_is_refused_and_closed_with_1008(
    client: Client, gateway: Any, frames: Any, protocol: int, auth: dict[str, str], code: str
) -> None:
    one = client(protocol)
    one.challenged()
    answer = one.ask("connect", frames.connect_params(protocol, **auth))
    assert (answer["ok"], answer["error"]["details"]["code"]) == (False, code)
    assert one.closed()[0] == 1008
    assert gateway.token not in json.dumps(answer)
    assert "not-the" not in json.dumps(answer)


def test_a_device_that_signs_is_let_in_and_one_that_replays_is_not(
    client: Client, gateway: Any, frames: Any
) -> None:
    def params_for(one: Any) -> dict[str, Any]:
        nonce, now = one.challenged(), one.challenge["ts"]
        params: dict[str, Any] = frames.connect_params(4, token=gateway.token)
        return params | {"device": frames.device().sign(params, nonce, now)}

    first, second = client(), client()
    params = params_for(first)
    assert first.ask("connect", params)["ok"]
    second.challenged()
    answer = second.ask("connect", params)
    assert answer["error"]["details"]["code"] == "DEVICE_AUTH_NONCE_MISMATCH"
    assert second.closed()[0] == 1008


def test_an_unknown_protocol_is_refused_as_a_mismatch(
    client: Client, gateway: Any, frames: Any
) -> None:
    one = client()
    one.challenged()
    answer = one.ask("connect", frames.connect_params(5, token=gateway.token))
    assert answer["error"]["details"]["code"] == "PROTOCOL_MISMATCH"
    assert one.closed()[0] == 1002


def test_any_path_is_served_but_none_with_a_secret_in_it(client: Client, gateway: Any) -> None:
    one = client(path="/any/path?x=1")
    one.connect(token=gateway.token)
    for query in ("token=x", f"x={gateway.token}", "password=x"):
        with pytest.raises(InvalidStatus) as refused:
            client(path=f"/?{query}")
        assert refused.value.response.status_code == 401


def test_web_pages_and_foreign_hosts_get_no_socket(client: Client, gateway: Any) -> None:
    for options in (
        {"additional_headers": {"Origin": "https://evil.example"}},
        {"additional_headers": {"Origin": "null"}},
        {"host_header": "rebound.example.com"},
    ):
        with pytest.raises(InvalidStatus) as refused:
            client(**options)
        assert refused.value.response.status_code == 403
    client(additional_headers={"Origin": gateway.url}).connect(token=gateway.token)


def test_a_frame_beyond_the_policy_closes_with_1009(client: Client, gateway: Any) -> None:
    one = client()
    hello = one.connect(token=gateway.token)
    one.socket.send("x" * (hello["policy"]["maxPayload"] + 1))
    assert one.closed()[0] == 1009


def test_binary_frames_close_with_1003(client: Client, gateway: Any) -> None:
    one = client()
    one.connect(token=gateway.token)
    one.socket.send(b"\x00")
    assert one.closed()[0] == 1003


def test_a_frame_that_cannot_be_read_is_answered_and_the_connection_goes_on(
    client: Client, gateway: Any
) -> None:
    one = client()
    one.connect(token=gateway.token)
    for text, frame_id in (("{", "invalid"), ('{"id":"x"}', "x"), ('{"type":"res"}', "invalid")):
        one.socket.send(text)
        assert one.answer(frame_id)["error"]["code"] == "INVALID_REQUEST"
    assert one.ask("health")["ok"]


def test_http_goes_on_beside_the_sockets(client: Client, gateway: Any) -> None:
    client().connect(token=gateway.token)
    assert httpx.get(f"{gateway.url}/healthz").status_code == 200


def test_every_method_answers_and_fails_as_it_does_over_http(client: Client, gateway: Any) -> None:
    one = client()
    one.connect(token=gateway.token)
    bearer = {"Authorization": f"Bearer {gateway.token}"}
    with httpx.Client(base_url=f"{gateway.url}/rpc/", headers=bearer) as http:
        for method in METHODS:
            for params in ({"nope": 1}, {"callId": "nobody", "message": "x"}, {}):
                answer, reply = one.ask(method, params), http.post(method, json=params).json()
                if answer["ok"]:
                    assert reply == answer["payload"], method
                else:
                    assert reply["error"] | answer["error"] == answer["error"], method


# -- a client written by hand, from the RFC and the specification alone


class Raw:
    """A TCP connection that has been upgraded."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.tcp = socket.create_connection((parts.hostname, parts.port), timeout=15)
        key = base64.b64encode(os.urandom(16))
        self.tcp.sendall(
            f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key.decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.tcp.recv(1)
        accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        assert head.startswith(b"HTTP/1.1 101")
        assert base64.b64encode(accept) in head

    def frame(self, payload: bytes, first: int = 0x81) -> bytes:
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        return bytes([first]) + length + mask + masked

    def send(self, value: object) -> None:
        self.tcp.sendall(self.frame(json.dumps(value).encode()))

    def exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            piece = self.tcp.recv(size - len(found))
            assert piece, "closed"
            found += piece
        return found

    def read(self) -> Any:
        head = self.exactly(2)
        assert head[0] == 0x81
        size = head[1]
        if size == 126:
            (size,) = struct.unpack(">H", self.exactly(2))
        return json.loads(self.exactly(size))


def test_a_raw_client_by_the_book(gateway: Any) -> None:
    one = Raw(gateway.url)
    assert one.read()["event"] == "connect.challenge"
    client = {"id": "raw", "version": "1", "platform": "linux", "mode": "cli"}
    params = {"minProtocol": 3, "maxProtocol": 4, "client": client, "role": "operator"}
    auth = {"scopes": ["operator.admin"], "auth": {"token": gateway.token}}
    one.send({"type": "req", "id": "1", "method": "connect", "params": params | auth})
    hello = one.read()
    assert (hello["id"], hello["ok"], hello["payload"]["protocol"]) == ("1", True, 4)
    one.send({"type": "req", "id": "2", "method": "voicecall.status", "params": {}})
    assert one.read() == {"type": "res", "id": "2", "ok": True, "payload": {"calls": []}}
    one.tcp.close()


PIECES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda size: b"\x81\xff" + struct.pack(">Q", size), st.integers(0, 2**64 - 1)),
    st.sampled_from([b"\x81", b"\x81\x85abcd", b"\x89\xff", b"\x01\x80abcd", b"\x88\x80abcd"]),
)


@given(pieces=st.lists(PIECES, max_size=4), text=st.binary(max_size=200), half=st.booleans())
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_bytes_come_the_gateway_answers_afterwards(
    gateway: Any, pieces: list[bytes], text: bytes, half: bool
) -> None:
    one = Raw(gateway.url)
    whole = one.frame(text)
    try:
        one.tcp.sendall(whole[: len(whole) // 2] if half else whole)
        for piece in pieces:
            one.tcp.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has closed already
    one.tcp.close()
    after = Raw(gateway.url)
    assert after.read()["event"] == "connect.challenge"
    after.tcp.close()
