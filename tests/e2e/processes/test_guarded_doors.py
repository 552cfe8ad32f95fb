"""Does a stranger get in through any door, and does anything private come out of one?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

BOB, PREMIUM = "+15550002222", "+19005551234"
CANARY = "canary-7f3b9d-do-not-tell"
SPOKEN, ANSWERED = "The password is swordfish", "I will remember swordfish"
STEPS = [{"listen": True}, {"say": ANSWERED}, {"hangUp": True}]
INITIATE = {"jsonrpc": "2.0", "id": 1, "method": "voicecall.initiate", "params": {"message": "x"}}

DOORS: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/rpc/voicecall.status", {}),
    ("POST", "/rpc/voicecall.initiate", {"to": BOB, "message": "x"}),
    ("POST", "/rpc", INITIATE),
    ("POST", "/mcp", INITIATE),
    ("GET", "/events", None),
    ("GET", "/calls/x/events", None),
    ("GET", "/metrics", None),
    ("GET", "/nowhere", None),
)


@pytest.fixture(scope="module")
def machine(new_machine: Any) -> Any:
    return new_machine(
        {
            "gateway": {"token": CANARY, "password": CANARY},
            "mock": {"secret": CANARY, "phones": {BOB: {"answerAfterMs": 100, "steps": STEPS}}},
        }
    )


@pytest.fixture(scope="module")
def server(machine: Any) -> Iterator[Any]:
    with machine.serving(VOICECALL_LOG="DEBUG", VOICECALL_LOG_FORMAT="json") as running:
        yield running


def knock(server: Any, method: str, path: str, body: Any, **headers: str) -> httpx.Response:
    return httpx.request(method, server.client.url + path, json=body, headers=headers, timeout=20)


STRANGERS: dict[str, dict[str, str]] = {
    "no token": {},
    "a wrong token": {"Authorization": "Bearer nonsense"},
    "another scheme": {"Authorization": f"Basic {CANARY}"},
    "a foreign page": {"Authorization": f"Bearer {CANARY}", "Origin": "https://evil.example"},
    "a foreign host": {"Authorization": f"Bearer {CANARY}", "Host": "evil.example"},
}


@pytest.mark.parametrize("who", STRANGERS)
def test_acceptance_42_a_stranger_is_refused_at_every_door(server: Any, who: str) -> None:
    for method, path, body in DOORS:
        answer = knock(server, method, path, body, **STRANGERS[who])
        assert answer.status_code in (401, 403), (path, answer.status_code)
        assert CANARY not in answer.text
        assert "voicecall." not in answer.text
    assert server.calls() == []


def test_acceptance_42_a_token_in_a_query_is_refused_at_every_door(server: Any) -> None:
    for method, path, body in DOORS:
        bearer = {"Authorization": f"Bearer {CANARY}"}
        answer = knock(server, method, f"{path}?token={CANARY}", body, **bearer)
        assert answer.status_code == 401, path
        assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("query", "origin"), [("", "https://evil.example"), (f"?token={CANARY}", None)]
)
def test_acceptance_42_neither_a_page_nor_a_token_in_a_query_opens_a_socket(
    server: Any, query: str, origin: Any
) -> None:
    url = server.client.url.replace("http", "ws", 1)
    with pytest.raises(InvalidStatus) as refused:
        connect(f"{url}/{query}", origin=origin)
    assert refused.value.response.status_code in (401, 403)


def test_acceptance_43_a_whole_call_leaves_nothing_private_behind(
    machine: Any, server: Any
) -> None:
    bearer = {"Authorization": f"Bearer {CANARY}"}

    def ask(method: str, **params: Any) -> httpx.Response:
        return knock(server, "POST", f"/rpc/voicecall.{method}", params, **bearer)

    wish = {"to": BOB, "message": SPOKEN, "mode": "conversation", "wait": True}
    ended = ask("initiate", **wish).json()
    assert ended["call"]["state"] == "hangup-user"
    told: list[Callable[[], str]] = [
        lambda: ask("initiate", to=PREMIUM, message=SPOKEN).text,
        lambda: ask("speak", callId=ended["callId"], message=SPOKEN).text,
        lambda: ask("dtmf", callId=ended["callId"], digits="x").text,
        lambda: knock(server, "GET", "/metrics", None, **bearer).text,
        lambda: server.errors,
    ]
    log = [json.loads(line) for line in server.errors.splitlines()]
    assert any(line.get("callId") == ended["callId"] for line in log)
    for tell in told:
        text = tell()
        assert text
        for private in (CANARY, BOB, PREMIUM, BOB[1:], "swordfish"):
            assert private not in text, text
