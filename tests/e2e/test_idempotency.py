"""One key, one dial, one call: in turn, in parallel, across a restart, over HTTP and JSON-RPC."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx

from voicecall.config.loader import load_config
from voicecall.config.state import read_address
from voicecall.plugins.registry import Registry
from voicecall.runtime import running

BOB = "+15550002222"
METHOD = "voicecall.initiate"
WISH = {"to": BOB, "message": "Hello", "idempotencyKey": "order-36"}

Post = Callable[[httpx.AsyncClient, dict[str, Any]], Any]


async def over_http(client: httpx.AsyncClient, wish: dict[str, Any]) -> tuple[int, Any]:
    """Status, and the call's id or the error."""
    reply = await client.post(f"/rpc/{METHOD}", json=wish)
    answer = reply.json()
    return reply.status_code, answer.get("callId") or answer["error"]


async def over_json_rpc(client: httpx.AsyncClient, wish: dict[str, Any]) -> tuple[int, Any]:
    """Error code or 200, and the call's id or the error as HTTP has it."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": METHOD, "params": wish}
    answer = (await client.post("/rpc", json=asked)).json()
    if "result" in answer:
        return 200, answer["result"]["callId"]
    error = answer["error"]
    return error["code"], error["data"] | {"message": error["message"]}


async def _calls(client: httpx.AsyncClient) -> list[Any]:
    return list((await client.post("/rpc/voicecall.history")).json()["calls"])


@asynccontextmanager
async def _gateway(
    folder: Path, registry: Registry, config: dict[str, Any]
) -> AsyncIterator[httpx.AsyncClient]:
    path = folder / "voicecall.json5"
    path.write_text(json.dumps(config))
    loaded = load_config(path, registry, environ={})
    async with running(loaded, state_dir=folder / "state", drain_seconds=0):
        address = read_address(folder / "state")
        assert address is not None
        headers = {"Authorization": f"Bearer {address.token}"}
        async with httpx.AsyncClient(base_url=address.url, headers=headers, timeout=30) as client:
            yield client


def test_acceptance_36_one_key_is_one_dial_and_another_body_a_conflict(
    tmp_path: Path, registry: Registry, config_of: Callable[..., Any]
) -> None:
    config = config_of({"streaming": None, "mock": {"timeScale": 50}})
    made: list[Any] = []

    async def ask(client: httpx.AsyncClient, post: Post) -> None:
        made.append(await post(client, WISH))

    async def main() -> None:
        with anyio.fail_after(60):
            async with _gateway(tmp_path, registry, config) as client:
                async with anyio.create_task_group() as tasks:
                    for _ in range(10):
                        tasks.start_soon(ask, client, over_http)
                        tasks.start_soon(ask, client, over_json_rpc)
                await ask(client, over_http)
            async with _gateway(tmp_path, registry, config) as client:
                await ask(client, over_json_rpc)
                assert len(made) == 22
                assert len(set(made)) == 1
                assert [call["callId"] for call in await _calls(client)] == [made[0][1]]
                for changed in ({"message": "Goodbye"}, {"mode": "notify"}, {"to": BOB + "3"}):
                    status, error = await over_http(client, WISH | changed)
                    assert (status, error["code"]) == (409, "INVALID_REQUEST")
                    assert error["details"] == {"kind": "conflict"}
                    assert await over_json_rpc(client, WISH | changed) == (-32012, error)
                assert len(await _calls(client)) == 1

    anyio.run(main)
