"""The private listener over real HTTP: who is let in, what errors look like, what outlives whom."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

STAYS, BUSY, TALKS, REFUSED = "+15551230003", "+15551230002", "+15551230001", "+15551230006"
SLOW_CARRIER = "+15551230010"


def headers(gateway: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {gateway.token}"}


def rpc(gateway: Any, method: str, params: Any = None, **more: Any) -> httpx.Response:
    body = b"" if params is None else json.dumps(params).encode()
    return httpx.post(
        f"{gateway.url}/rpc/{method}", content=body, headers=headers(gateway) | more, timeout=20
    )


def place(gateway: Any, to: str) -> str:
    return str(rpc(gateway, "voicecall.initiate", {"to": to, "message": "hi"}).json()["callId"])


def exchange(gateway: Any, head: str) -> bytes:
    """Send `head` as it is and return the answer's first bytes."""
    parts = urlsplit(gateway.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head.encode())
        return connection.recv(4096)


def test_a_request_without_a_token_is_refused_and_nothing_leaks(gateway: Any) -> None:
    reply = httpx.post(f"{gateway.url}/rpc/voicecall.status")
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "AUTH_TOKEN_MISSING"
    assert gateway.token not in reply.text


def test_a_wrong_token_is_refused_and_not_repeated(gateway: Any) -> None:
    reply = rpc(gateway, "voicecall.status", Authorization="Bearer not-the-token")
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "AUTH_TOKEN_MISMATCH"
    assert "not-the-token" not in reply.text


def test_an_unknown_route_tells_nothing_without_a_token(gateway: Any) -> None:
    assert httpx.get(f"{gateway.url}/nothing").status_code == 401
    assert httpx.get(f"{gateway.url}/nothing", headers=headers(gateway)).status_code == 404


@pytest.mark.parametrize("query", ["token={}", "access_token=x", "anything={}"])
def test_a_token_in_the_query_string_is_refused_even_with_a_right_header(
    gateway: Any, query: str
) -> None:
    url = f"{gateway.url}/rpc/voicecall.status?{query.format(gateway.token)}"
    reply = httpx.post(url, headers=headers(gateway))
    assert reply.status_code == 401
    assert "query string" in reply.json()["error"]["message"]


def test_a_foreign_host_header_is_refused(gateway: Any) -> None:
    assert rpc(gateway, "voicecall.status", Host="rebound.example.com").status_code == 403
    reply = httpx.get(f"{gateway.url}/healthz", headers={"Host": "rebound.example.com"})
    assert reply.status_code == 403


def test_another_origin_is_refused_and_our_own_is_not(gateway: Any) -> None:
    assert rpc(gateway, "voicecall.status", Origin="https://evil.example").status_code == 403
    assert rpc(gateway, "voicecall.status", Origin="null").status_code == 403
    assert rpc(gateway, "voicecall.status", Origin=gateway.url).status_code == 200


def test_health_needs_no_token_and_readiness_follows_the_service(gateway: Any) -> None:
    assert httpx.get(f"{gateway.url}/healthz").json()["ok"] is True
    assert httpx.get(f"{gateway.url}/readyz").status_code == 200
    gateway.service.ready = False
    assert httpx.get(f"{gateway.url}/readyz").status_code == 503


def test_every_error_body_is_json_with_code_and_message(gateway: Any) -> None:
    replies = {
        404: rpc(gateway, "voicecall.fly"),
        405: httpx.get(f"{gateway.url}/rpc/voicecall.status", headers=headers(gateway)),
        400: rpc(gateway, "voicecall.end", {}),
        503: rpc(gateway, "voicecall.start", {"to": REFUSED}),
        413: httpx.post(
            f"{gateway.url}/rpc/voicecall.status", content=b"x" * 2**21, headers=headers(gateway)
        ),
    }
    for status, reply in replies.items():
        assert reply.status_code == status
        assert reply.json()["error"]["code"]
        assert reply.json()["error"]["message"]
    assert replies[405].headers["Allow"]


def test_a_body_that_is_no_json_or_no_object_is_refused(gateway: Any) -> None:
    url = f"{gateway.url}/rpc/voicecall.status"
    for body in (b"{", b"[" * 100_000, b"[1]", b'"text"', b"\xff\xfe"):
        reply = httpx.post(url, content=body, headers=headers(gateway))
        assert reply.status_code == 400, body[:10]
        assert reply.json()["error"]["code"] == "INVALID_REQUEST"


def test_an_error_carries_its_kind_for_programs(gateway: Any) -> None:
    error = rpc(gateway, "voicecall.start", {"to": REFUSED}).json()["error"]
    assert error["code"] == "UNAVAILABLE"
    assert error["details"] == {"kind": "policy", "reason": "policy.destination"}


def test_a_client_that_goes_away_does_not_cancel_the_call_that_it_placed(gateway: Any) -> None:
    body = json.dumps({"to": SLOW_CARRIER, "message": "hi"})
    parts = urlsplit(gateway.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(
            f"POST /rpc/voicecall.initiate HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {gateway.token}\r\nContent-Length: {len(body)}\r\n\r\n"
            f"{body}".encode()
        )
        gateway.wait(gateway.service.dialling)
    # Another exchange gives the server the time to see the first one's end.
    assert rpc(gateway, "health").json()["liveCalls"] == 0
    gateway.portal.call(gateway.service.carrier_answers.set)
    gateway.wait(gateway.service.dialled)
    assert rpc(gateway, "health").json()["liveCalls"] == 1


def test_the_event_stream_of_an_ended_call_tells_it_whole_and_ends(gateway: Any) -> None:
    call_id = place(gateway, TALKS)
    reply = httpx.get(f"{gateway.url}/calls/{call_id}/events", headers=headers(gateway))
    assert reply.headers["Content-Type"].startswith("text/event-stream")
    events = [json.loads(line[6:]) for line in reply.text.splitlines() if line[:6] == "data: "]
    call = events.pop()
    assert (call["type"], call["call"]["state"]) == ("call", "hangup-user")
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "created"
    assert events[-1] | {"at": 0} == {
        "type": "finished",
        "callId": call_id,
        "number": len(events),
        "at": 0,
        "state": "hangup-user",
    }


def test_the_event_stream_goes_on_live_with_partials_until_the_call_ended(gateway: Any) -> None:
    call_id = place(gateway, STAYS)
    url = f"{gateway.url}/calls/{call_id}/events"
    types: list[str] = []
    with httpx.stream("GET", url, headers=headers(gateway), timeout=20) as reply:
        for line in reply.iter_lines():
            if line[:6] != "data: ":
                continue
            event = json.loads(line[6:])
            types.append(event["type"])
            if event.get("state") == "active":
                gateway.portal.call(gateway.service.hear_partial, call_id, "I thi")
            elif event["type"] == "partial":
                gateway.portal.call(gateway.service.end, call_id)
    assert types[-3:] == ["partial", "finished", "call"]


def test_a_carriers_id_with_a_slash_finds_its_event_stream(gateway: Any) -> None:
    call_id = place(gateway, BUSY)
    carrier_id = quote(f"v3:x/{call_id}", safe="")
    reply = httpx.get(f"{gateway.url}/calls/{carrier_id}/events", headers=headers(gateway))
    assert reply.status_code == 200
    assert '"finished"' in reply.text


def test_the_event_stream_of_an_unknown_call_is_not_found(gateway: Any) -> None:
    reply = httpx.get(f"{gateway.url}/calls/nobody/events", headers=headers(gateway))
    assert reply.status_code == 404
    assert reply.json()["error"]["message"] == "Call not found"


def test_a_watcher_that_leaves_is_forgotten(gateway: Any) -> None:
    before = gateway.portal.call(lambda: gateway.service.watchers)
    with httpx.stream("GET", f"{gateway.url}/events", headers=headers(gateway)) as reply:
        chunks = reply.iter_raw()  # closes the response when it is dropped
        next(chunks)
        assert gateway.portal.call(lambda: gateway.service.watchers) == before + 1
    gateway.wait(gateway.service.nobody_watches)
    assert gateway.portal.call(lambda: gateway.service.watchers) == before


def test_repeated_authorization_headers_are_refused(gateway: Any) -> None:
    netloc = urlsplit(gateway.url).netloc
    head = exchange(
        gateway,
        f"POST /rpc/health HTTP/1.1\r\nHost: {netloc}\r\nAuthorization: Bearer {gateway.token}\r\n"
        f"Authorization: Bearer {gateway.token}\r\nContent-Length: 0\r\n\r\n",
    )
    assert head.startswith(b"HTTP/1.1 401")
