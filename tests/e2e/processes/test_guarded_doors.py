"""Does a stranger get in through any door?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

BOB = "+15550002222"
CANARY = "canary-7f3b9d-do-not-tell"
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
            "mock": {"secret": CANARY},
        }
    )


@pytest.fixture(scope="module")
def server(machine: Any) -> Iterator[Any]:
    with machine.serving() as running:
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
