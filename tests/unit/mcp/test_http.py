"""Is MCP over HTTP behind the same doorkeeper, and does the official client get through it?"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from voicecall.agent_tool import MAX_CALLS, TOOL_NAME
from voicecall.mcp.server import ERROR

TALKS, REFUSED = "+15551230001", "+15551230006"
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def post(gateway: Any, body: Any = PING, query: str = "", **headers: str) -> httpx.Response:
    common = {
        "Authorization": f"Bearer {gateway.token}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    return httpx.post(
        f"{gateway.url}/mcp{query}",
        content=body if isinstance(body, bytes) else json.dumps(body),
        headers={name: value for name, value in (common | headers).items() if value},
        timeout=20,
    )


def test_without_the_token_nobody_comes_in(gateway: Any) -> None:
    missing = post(gateway, Authorization="")
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, "AUTH_TOKEN_MISSING")
    assert missing.headers["WWW-Authenticate"] == "Bearer"
    wrong = post(gateway, Authorization="Bearer not-the-token")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "AUTH_TOKEN_MISMATCH")
    assert post(gateway, query=f"?token={gateway.token}").status_code == 401


def test_a_web_page_and_a_rebound_name_are_kept_out(gateway: Any) -> None:
    assert post(gateway, Origin="https://evil.example").status_code == 403
    assert post(gateway, Host="rebound.example.com").status_code == 403
    assert post(gateway, Origin=gateway.url).status_code == 200


def test_only_post_is_served(gateway: Any) -> None:
    for verb in ("GET", "DELETE"):
        reply = httpx.request(
            verb, f"{gateway.url}/mcp", headers={"Authorization": f"Bearer {gateway.token}"}
        )
        assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


def test_what_is_no_protocol_is_refused_cleanly(gateway: Any) -> None:
    request = {"jsonrpc": "2.0", "id": 1}
    for content, status, code in (
        (b"{", 400, -32700),
        (b"\xff", 400, -32700),
        (b"[" * 100_000, 400, -32700),
        (b"[1, 2]", 400, -32600),
        (json.dumps([PING]).encode(), 400, -32600),
        (json.dumps(PING | {"jsonrpc": "1.0"}).encode(), 400, -32600),
        (json.dumps(request).encode(), 400, -32600),
        (json.dumps(request | {"method": 5}).encode(), 400, -32600),
        (json.dumps(PING | {"params": "x"}).encode(), 400, -32600),
        (json.dumps(PING | {"id": True}).encode(), 400, -32600),
        (json.dumps(PING | {"params": {"x": "y" * 2**21}}).encode(), 413, -32600),
    ):
        reply = post(gateway, content)
        assert (reply.status_code, reply.headers["content-type"]) == (status, "application/json")
        assert (reply.json()["jsonrpc"], reply.json()["id"]) == ("2.0", None)
        assert reply.json()["error"]["code"] == code, content[:80]
    assert post(gateway).status_code == 200


def test_calls_are_counted_over_requests_and_an_hour_later_there_are_more(gateway: Any) -> None:
    def dialled(tool: str, **arguments: str) -> Any:
        params = {"name": tool, "arguments": {"to": REFUSED, "message": "hi", **arguments}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        data = next(x for x in post(gateway, body).text.splitlines() if x.startswith("data:"))
        return json.loads(data.removeprefix("data:"))["result"]

    def reason(result: Any) -> str:
        return str(result.get("_meta", {}).get(ERROR, {}).get("details", {}).get("reason", ""))

    for _ in range(MAX_CALLS):
        assert reason(dialled("voicecall_initiate")) != "policy.session"
    refused = dialled("voicecall_start")
    assert refused["isError"] and reason(refused) == "policy.session"
    assert "60 minutes" in refused["content"][0]["text"]
    again = dialled(TOOL_NAME, action="initiate_call")
    assert again["isError"] and "20 calls" in again["content"][0]["text"]


def test_without_the_library_the_answer_says_what_to_install(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "voicecall.mcp.server", None)
    reply = post(gateway)
    assert reply.status_code == 501
    assert "voicecall[mcp]" in reply.json()["error"]["message"]


def test_no_log_has_a_number_what_was_said_or_the_token(
    gateway: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wish = {"to": TALKS, "message": "the canary sings", "wait": True}
    for name, arguments in (
        ("voicecall_initiate", wish),
        ("voicecall_initiate", {**wish, "canary": TALKS}),
        ("voicecall_status", {"callId": TALKS}),
        ("canary", {"to": TALKS}),
    ):
        params = {"name": name, "arguments": arguments, "_meta": {"progressToken": 1}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        assert post(gateway, body).status_code == 200
    for secret in (TALKS, "canary", "Good morning", gateway.token):
        assert secret not in caplog.text


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_the_official_client_follows_a_call_over_http(gateway: Any, mode: str) -> None:
    told: list[str | None] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async def program() -> Any:
        headers = {"Authorization": f"Bearer {gateway.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=20) as http,
            Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http), mode=mode) as c,
        ):
            wish = {"to": TALKS, "message": "hi", "wait": True}
            result = await c.call_tool("voicecall_initiate", wish, progress_callback=note)
            listed = await c.list_resources()
            return result, listed

    result, listed = anyio.run(program)
    assert result.structured_content["summary"]["outcome"] == "hangup-user"
    assert told[1:4] == ["ringing", "answered", "active"]
    assert len(listed.resources) == 1


def test_a_client_that_goes_away_does_not_end_the_call(gateway: Any) -> None:
    stays = "+15551230003"
    name, wish = "voicecall_initiate", {"to": stays, "message": "hi", "wait": True}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": wish, "_meta": {"progressToken": 1}},
    }
    headers = {
        "Authorization": f"Bearer {gateway.token}",
        "Accept": "application/json, text/event-stream",
    }
    with httpx.stream("POST", f"{gateway.url}/mcp", json=body, headers=headers) as reply:
        assert reply.status_code == 200
        line = next(line for line in reply.iter_lines() if "is placed" in line)
        assert "notifications/progress" in line
    gateway.wait(gateway.service.nobody_watches)
    assert len(gateway.portal.call(gateway.service.live_calls)) == 1
