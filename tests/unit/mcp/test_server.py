"""Does an MCP client get the table as it is, and can it tell what is dangerous?"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from voicecall.agent_tool import TOOL_NAME, CallBudget, local_door
from voicecall.mcp import progress
from voicecall.mcp.server import mcp_server
from voicecall.mcp.tools import EFFECTS, NOT_FOR_AGENTS, tool_name
from voicecall.rpc.methods import METHODS

TALKS, STAYS, REFUSED = "+15551230001", "+15551230003", "+15551230006"

Use = Callable[[Any], Awaitable[Any]]


@pytest.fixture
def use(gateway: Any) -> Callable[[Use], Any]:
    """Runs a program in the gateway's loop with the official client, connected in memory."""

    async def connected(program: Use) -> Any:
        async with (
            local_door(gateway.service) as door,
            Client(mcp_server(door, CallBudget())) as client,
        ):
            return await program(client)

    return lambda program: gateway.portal.call(connected, program)


def tools_of(use: Any) -> dict[str, Any]:
    async def program(client: Client) -> Any:
        return (await client.list_tools()).tools

    return {tool.name: tool for tool in use(program)}


def called(use: Any, name: str, arguments: dict[str, Any]) -> Any:
    async def program(client: Client) -> Any:
        return await client.call_tool(name, arguments)

    return use(program)


# -- what there is


def test_every_method_is_a_tool_or_the_operators_own(use: Any) -> None:
    assert set(EFFECTS) | NOT_FOR_AGENTS == set(METHODS)
    assert not set(EFFECTS) & NOT_FOR_AGENTS
    assert set(tools_of(use)) == {*map(tool_name, EFFECTS), TOOL_NAME}


def test_the_schema_of_a_tool_is_that_of_its_method(use: Any) -> None:
    tools = tools_of(use)
    for name in EFFECTS:
        schema = METHODS[name].params.model_json_schema(by_alias=True)
        assert tools[tool_name(name)].input_schema == schema
        assert schema["additionalProperties"] is False
        answer = tools[tool_name(name)].output_schema
        assert answer["type"] == "object"
        assert answer == {"type": "object", **METHODS[name].result.model_json_schema()}


def test_names_and_parameters_suit_the_strictest_clients(use: Any) -> None:
    for tool in tools_of(use).values():
        assert tool.name.replace("_", "").isalnum()
        assert len(tool.name) <= 64
        assert tool.input_schema["type"] == "object"
        assert not {"oneOf", "anyOf", "allOf"} & set(tool.input_schema)
        assert tool.description


def test_status_is_read_only_and_dialling_is_destructive_and_open_world(use: Any) -> None:
    hints = {name: tool.annotations for name, tool in tools_of(use).items()}
    for name in ("status", "history", "latency", "health", "continue_result"):
        assert hints[f"voicecall_{name}"].read_only_hint is True
        assert hints[f"voicecall_{name}"].destructive_hint is False
        assert hints[f"voicecall_{name}"].open_world_hint is False
    for name in ("voicecall_initiate", "voicecall_start", TOOL_NAME):
        assert hints[name].read_only_hint is False
        assert hints[name].destructive_hint is True
        assert hints[name].open_world_hint is True
        assert hints[name].idempotent_hint is False
    assert hints["voicecall_end"].idempotent_hint is True
    assert "ask the user" in tools_of(use)["voicecall_initiate"].description


# -- what they do


def test_a_result_is_the_payload_of_the_method(use: Any, gateway: Any) -> None:
    result = called(use, "voicecall_start", {"to": STAYS})
    assert not result.is_error
    call_id = result.structured_content["callId"]
    assert result.structured_content == {"callId": call_id, "initiated": True}
    assert json.loads(result.content[0].text) == result.structured_content
    found = called(use, "voicecall_status", {"callId": call_id}).structured_content
    assert found["call"]["callId"] == call_id
    answer = called(use, "voicecall_continue", {"callId": call_id, "message": "Hello"})
    assert answer.structured_content == {"success": True, "transcript": "yes please"}


@pytest.mark.parametrize("method", EFFECTS)
def test_an_unknown_field_is_refused(use: Any, gateway: Any, method: str) -> None:
    result = called(use, tool_name(method), {"to": STAYS, "message": "hi", "from": "+15550009999"})
    assert result.is_error
    assert "unknown parameter" in result.content[0].text
    assert result.meta["voicecall/error"]["code"] == "INVALID_REQUEST"
    assert result.structured_content is None
    assert not gateway.service.calls


def test_a_refusal_carries_its_kind_for_programs(use: Any) -> None:
    result = called(use, "voicecall_start", {"to": REFUSED})
    assert result.is_error
    error = result.meta["voicecall/error"]
    assert error["message"] == result.content[0].text
    assert error["details"] == {"kind": "policy", "reason": "policy.destination"}


def test_the_agent_tool_is_served_too(use: Any, gateway: Any) -> None:
    assert called(use, TOOL_NAME, {"action": "get_status"}).structured_content == {"calls": []}
    result = called(use, TOOL_NAME, {"action": "dial", "to": STAYS, "message": "hi"})
    assert result.is_error
    assert list(result.structured_content) == ["error"]
    assert not gateway.service.calls


def test_a_session_with_a_budget_is_refused_when_it_is_used_up(gateway: Any) -> None:
    dials = [
        ("voicecall_start", {"to": STAYS}),
        (TOOL_NAME, {"action": "initiate_call", "to": STAYS, "message": "hi"}),
        ("voicecall_initiate", {"to": STAYS, "message": "hi"}),
    ]

    async def program() -> list[Any]:
        async with (
            local_door(gateway.service) as door,
            Client(mcp_server(door, CallBudget(2))) as client,
        ):
            return [await client.call_tool(name, arguments) for name, arguments in dials]

    results = gateway.portal.call(program)
    assert [result.is_error for result in results] == [False, False, True]
    assert results[2].meta["voicecall/error"]["details"]["reason"] == "policy.session"
    assert len(gateway.service.calls) == 2


def test_an_unknown_tool_is_a_protocol_error(use: Any) -> None:
    async def program(client: Client) -> None:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("voicecall_fly", {})

    use(program)


# -- progress


def test_a_call_that_is_waited_for_tells_its_course_and_its_outcome(use: Any) -> None:
    told: list[tuple[float, str | None]] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message))

    async def program(client: Client) -> Any:
        wish = {"to": TALKS, "message": "hi", "wait": True}
        return await client.call_tool("voicecall_initiate", wish, progress_callback=note)

    payload = use(program).structured_content
    assert payload["summary"]["outcome"] == payload["call"]["state"] == "hangup-user"
    assert payload["summary"]["transcript"].startswith("bot: Good morning\nuser: Hello")
    assert [done for done, _ in told] == list(range(1, len(told) + 1))
    messages = [message for _, message in told]
    assert messages[0] == f"call {payload['callId']} is placed"
    assert messages[1:4] == ["ringing", "answered", "active"]
    assert "bot: Good morning" in messages
    assert messages[-1] == "ended: hangup-user"


def test_a_request_that_takes_long_shows_that_it_lives(
    use: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "TICK_SECONDS", 0.001)
    told: list[str | None] = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        told.append(message)
        gateway.service.person_answers.set()

    async def program(client: Client) -> Any:
        placed = await client.call_tool("voicecall_start", {"to": STAYS})
        question = {**placed.structured_content, "message": "think about it"}
        del question["initiated"]
        with anyio.fail_after(10):
            return await client.call_tool("voicecall_continue", question, progress_callback=note)

    assert use(program).structured_content["transcript"] == "yes please"
    assert told[0] == "under way"


# -- resources


def test_every_call_is_a_resource_with_its_transcript(use: Any) -> None:
    call_id = called(use, "voicecall_start", {"to": TALKS}).structured_content["callId"]

    async def program(client: Client) -> Any:
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        return listed, templates, await client.read_resource(listed[0].uri)

    listed, templates, read = use(program)
    assert [resource.uri for resource in listed] == [f"voicecall://calls/{call_id}"]
    assert [template.uri_template for template in templates] == ["voicecall://calls/{callId}"]
    call = json.loads(read.contents[0].text)
    assert call["callId"] == call_id
    assert [line["text"] for line in call["transcript"]][0] == "Good morning"
    assert read.contents[0].mime_type == "application/json"


@pytest.mark.parametrize("uri", ["voicecall://calls/nobody", "voicecall://calls/", "file:///x"])
def test_a_resource_that_is_none_of_ours_is_not_found(use: Any, uri: str) -> None:
    async def program(client: Client) -> None:
        with pytest.raises(MCPError, match="Resource not found"):
            await client.read_resource(uri)

    use(program)
