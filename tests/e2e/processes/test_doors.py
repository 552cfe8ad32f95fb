"""Does the same call, made through every door, leave the same record and give the same answer?"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from websockets.sync.client import connect

from voicecall.agent_tool import VoiceCallTool
from voicecall.config.state import GatewayAddress, read_address
from voicecall.rpc.methods import METHODS

BOB, PREMIUM = "+15550002222", "+19005551234"
STEPS = [{"listen": True}, {"say": "I am Bob"}, {"hangUp": True}]
WISH = {"to": BOB, "message": "Who is there?", "mode": "conversation", "wait": True}
METHOD = "voicecall.initiate"
VOICECALL = str(Path(sys.executable).with_name("voicecall"))
PAGE = (Path(__file__).parents[3] / "docs" / "mcp.md").read_text(encoding="utf-8")

Payload = dict[str, Any]


class Refused(Exception):
    """A door's refusal: what programs and people get of it."""

    def __init__(self, message: str, code: str | None = None, details: object = None) -> None:
        super().__init__(message)
        self.parts = (message, code, details)


@pytest.fixture(scope="module")
def machine(new_machine: Any) -> Any:
    return new_machine({"mock": {"phones": {BOB: {"answerAfterMs": 100, "steps": STEPS}}}})


@pytest.fixture(scope="module")
def server(machine: Any) -> Iterator[Any]:
    with machine.serving() as running:
        yield running


def address(machine: Any) -> GatewayAddress:
    found = read_address(machine.state)
    assert found is not None
    return found


def posted(machine: Any, path: str, body: Any) -> Payload:
    gateway = address(machine)
    headers = {"Authorization": f"Bearer {gateway.token}"}
    answer: Payload = httpx.post(gateway.url + path, json=body, headers=headers, timeout=30).json()
    if "error" not in answer:
        return answer
    error = answer["error"]
    if "data" in error:  # JSON-RPC 2.0 has numbers for codes, and ours beside them
        raise Refused(error["message"], error["data"]["code"], error["data"]["details"])
    raise Refused(error["message"], error["code"], error["details"])


# -- the doors: each makes a call, waits for its end, and gives the answer


def by_http(machine: Any, wish: Payload) -> Payload:
    return posted(machine, f"/rpc/{METHOD}", wish)


def by_json_rpc(machine: Any, wish: Payload) -> Payload:
    asked = {"jsonrpc": "2.0", "id": 7, "method": METHOD, "params": wish}
    answer = posted(machine, "/rpc", asked)
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", 7)
    return dict(answer["result"])


def by_command_line(machine: Any, wish: Payload) -> Payload:
    to, message, mode = wish["to"], wish["message"], wish["mode"]
    ran = machine.run("call", "--to", to, "--message", message, "--mode", mode, "--json")
    answer = dict(ran.document)
    if "error" in answer:
        error = answer["error"]
        assert ran.code == 6, ran
        raise Refused(error["message"], error["code"], error["details"])
    assert ran.code == 0, ran
    return answer


def by_websocket(machine: Any, wish: Payload) -> Payload:
    gateway = address(machine)
    hello = {
        "minProtocol": 3,
        "maxProtocol": 4,
        "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"},
        "role": "operator",
        "scopes": ["operator.admin"],
        "auth": {"token": gateway.token},
    }

    with connect(gateway.url.replace("http", "ws", 1)) as socket:

        def asked(name: str, method: str, params: Any) -> Payload:
            frame = {"type": "req", "id": name, "method": method, "params": params}
            socket.send(json.dumps(frame))
            while (answer := json.loads(socket.recv(30))).get("id") != name:
                """An event; not what we wait for."""
            if answer["ok"]:
                return dict(answer["payload"])
            error = answer["error"]
            raise Refused(error["message"], error["code"], error["details"])

        asked("1", "connect", hello)
        return asked("2", METHOD, wish)


def by_tool(machine: Any, wish: Payload) -> Payload:
    tool = VoiceCallTool(directory=machine.state, wait=True)
    arguments = {name: value for name, value in wish.items() if name != "wait"}
    answer = tool.run({"action": "initiate_call", **arguments})
    if "error" in answer:
        raise Refused(str(answer["error"]))
    return answer


def by_mcp(machine: Any, wish: Payload) -> Payload:
    async def program() -> Any:
        async with over_http(machine) as client:
            return await client.call_tool("voicecall_initiate", wish)

    result = anyio.run(program)
    if result.is_error:
        error = result.meta["voicecall/error"]
        assert result.content[0].text == error["message"]
        raise Refused(error["message"], error["code"], error["details"])
    return dict(result.structured_content)


@asynccontextmanager
async def over_http(machine: Any) -> AsyncIterator[Client]:
    gateway = address(machine)
    headers = {"Authorization": f"Bearer {gateway.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(f"{gateway.url}/mcp", http_client=http)) as client,
    ):
        yield client


DOORS: tuple[Callable[[Any, Payload], Payload], ...] = (
    by_http,
    by_json_rpc,
    by_command_line,
    by_websocket,
    by_tool,
    by_mcp,
)


def shape(call: Payload) -> Payload:
    """What is the same of two calls that went the same way."""
    kept = ("provider", "direction", "state", "from", "to", "endReason", "answeredBy")
    return {
        "fields": sorted(call),
        "kept": {name: call.get(name) for name in kept},
        "said": [(line["speaker"], line["text"]) for line in call["transcript"]],
        "metadata": (sorted(call["metadata"]), call["metadata"]["mode"]),
    }


def test_every_door_leaves_the_same_record_and_gives_the_same_answer(
    machine: Any, server: Any
) -> None:
    answers = {door.__name__: door(machine, WISH) for door in DOORS}
    kept = server.client.call("voicecall.history", {"limit": len(DOORS)})["calls"]
    by_id = {call["callId"]: call for call in kept}
    assert set(by_id) == {answer["callId"] for answer in answers.values()}
    expected = shape(answers["by_http"]["call"])
    assert expected["said"] == [("bot", "Who is there?"), ("user", "I am Bob")]
    for name, answer in answers.items():
        assert answer["initiated"] is True, name
        assert answer["call"] == by_id[answer["callId"]], name
        assert shape(answer["call"]) == expected, name
        if name != "by_command_line":  # which has the summary for people, in its last line
            assert set(answer) == {"callId", "initiated", "call", "summary"}, name
            assert answer["summary"]["transcript"] == "bot: Who is there?\nuser: I am Bob", name


def test_every_door_refuses_in_the_same_words(machine: Any, server: Any) -> None:
    told = {}
    for door in DOORS:
        with pytest.raises(Refused) as refused:
            door(machine, WISH | {"to": PREMIUM})
        told[door.__name__] = refused.value.parts
    message, code, details = told["by_http"]
    assert (code, details) == ("UNAVAILABLE", {"kind": "policy", "reason": "policy.destination"})
    assert told.pop("by_tool") == (message, None, None)
    assert all(parts == (message, code, details) for parts in told.values()), told


# -- MCP as its clients see it


@asynccontextmanager
async def over_stdio(machine: Any) -> AsyncIterator[Client]:
    config = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
    settings = config["mcpServers"]["voicecall"]
    assert settings["command"] == "voicecall"
    child = StdioServerParameters(**settings | {"command": VOICECALL, "env": machine.environ})
    async with Client(stdio_client(child), mode="legacy") as client:
        yield client


async def drive(client: Client) -> dict[str, Any]:
    """What a client sees of the server, and of a call that it waits for."""
    told: list[str | None] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append(message)

    tools = (await client.list_tools()).tools
    wish = {"to": BOB, "message": "Who is there?", "mode": "conversation", "wait": True}
    with anyio.fail_after(30):
        placed = await client.call_tool("voicecall_initiate", wish, progress_callback=note)
    refused = await client.call_tool("voicecall_initiate", {"to": PREMIUM, "message": "hi"})
    unknown = await client.call_tool("voicecall_status", {"from": BOB})
    uri = f"voicecall://calls/{placed.structured_content['callId']}"
    listed = [resource.uri for resource in (await client.list_resources()).resources]
    assert listed[0] == uri
    read = await client.read_resource(uri)
    return {
        "tools": [tool.model_dump(mode="json") for tool in tools],
        "placed": placed.structured_content,
        "told": told,
        "refused": (refused.is_error, refused.meta["voicecall/error"]),
        "unknown": (unknown.is_error, unknown.meta["voicecall/error"]),
        "read": json.loads(read.contents[0].text),
    }


def test_acceptance_44_over_both_transports_of_mcp(machine: Any, server: Any) -> None:
    async def both() -> list[dict[str, Any]]:
        found = []
        for door in (over_stdio(machine), over_http(machine)):
            async with door as client:
                found.append(await drive(client))
        return found

    stdio, http = anyio.run(both)

    assert stdio["tools"] == http["tools"]
    tools = {tool["name"]: tool for tool in http["tools"]}
    status, dial = tools["voicecall_status"], tools["voicecall_initiate"]
    assert status["annotations"]["read_only_hint"] is True
    assert dial["annotations"]["destructive_hint"] is True
    assert dial["annotations"]["open_world_hint"] is True
    assert dial["input_schema"] == METHODS["voicecall.initiate"].params.model_json_schema()
    for seen in (stdio, http):
        assert seen["placed"]["summary"]["transcript"] == "bot: Who is there?\nuser: I am Bob"
        assert seen["read"] == seen["placed"]["call"]
        assert {"ringing", "answered", "user: I am Bob", "ended: hangup-user"} <= set(seen["told"])
        assert seen["refused"][0] is True
        assert seen["refused"][1]["details"]["reason"] == "policy.destination"
        assert seen["unknown"][0] is True
        assert "unknown parameter 'from'" in seen["unknown"][1]["message"]


def test_without_a_gateway_stdio_serves_and_says_so_and_stdout_carries_only_the_protocol(
    machine: Any, tmp_path: Path
) -> None:
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    lines = [
        '{"jsonrpc":"2.0","id":1,"method":"initialize","params":' + json.dumps(hello) + "}",
        '{"jsonrpc":"2.0","method":"notifications/initialized"}',
        "this is no protocol",
        '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":'
        '{"name":"voicecall_status","arguments":{}}}',
        '{"jsonrpc":"2.0","id":3,"method":"resources/list"}',
    ]
    with subprocess.Popen(
        [VOICECALL, "mcp"],
        env={**machine.environ, "VOICECALL_STATE_DIR": str(tmp_path), "VOICECALL_LOG": "DEBUG"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write("".join(f"{line}\n" for line in lines))
        child.stdin.flush()
        answers: dict[int, Any] = {}
        while not {1, 2, 3} <= set(answers):
            message = json.loads(child.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            answers[message.get("id")] = message
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == -signal.SIGINT
        assert child.stdout.read() == ""
    assert answers[1]["result"]["serverInfo"]["name"] == "voicecall"
    assert answers[2]["result"]["isError"] is True
    assert "voicecall serve" in answers[2]["result"]["content"][0]["text"]
    assert "voicecall serve" in answers[3]["error"]["message"]


KEYED = (by_http, by_json_rpc, by_websocket, by_mcp)
"""The doors that take a request as it is; `call` has an option, the tool no key at all."""


def test_acceptance_36_one_key_is_one_call_through_whichever_door(
    machine: Any, server: Any
) -> None:
    wish = {"to": BOB, "message": "Hello", "mode": "conversation", "idempotencyKey": "order-36"}
    before = len(server.client.call("voicecall.history", {"limit": 100})["calls"])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda door: door(machine, wish), (*KEYED, by_http, by_json_rpc)))
    command = ("call", "--to", BOB, "--message", "Hello", "--no-wait", "--json")
    again = machine.run(*command, "--idempotency-key", "order-36").document
    assert len({answer["callId"] for answer in [*answers, again]}) == 1
    after = server.client.call("voicecall.history", {"limit": 100})["calls"]
    assert len(after) == before + 1


def test_acceptance_36_another_request_with_the_key_is_a_conflict_at_every_door(
    machine: Any, server: Any
) -> None:
    wish = {"to": BOB, "message": "Hello", "mode": "conversation", "idempotencyKey": "order-37"}
    by_http(machine, wish)
    other = wish | {"message": "Goodbye"}
    told = []
    for door in KEYED:
        with pytest.raises(Refused) as refused:
            door(machine, other)
        told.append(refused.value.parts)
    message, code, details = told[0]
    assert (code, details) == ("INVALID_REQUEST", {"kind": "conflict"})
    assert "idempotencyKey" in message
    assert told == [(message, code, details)] * len(KEYED)
    command = ("call", "--to", BOB, "--message", "Goodbye", "--no-wait", "--json")
    ran = machine.run(*command, "--idempotency-key", "order-37")
    assert (ran.code, ran.document["error"]["details"]) == (2, {"kind": "conflict"})
