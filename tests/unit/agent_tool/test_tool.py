"""Does `voice_call` do what the doors of the gateway do, and nothing that it was not asked for?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from voicecall.agent_tool import CallBudget, VoiceCallTool, local_door, run, run_async
from voicecall.errors import PolicyRefused

TALKS, BUSY, STAYS, REFUSED = "+15551230001", "+15551230002", "+15551230003", "+15551230006"


@pytest.fixture
def tool(gateway: Any) -> VoiceCallTool:
    return VoiceCallTool(url=gateway.url, token=gateway.token)


def place(tool: VoiceCallTool, to: str = STAYS) -> str:
    return str(tool.run({"action": "initiate_call", "to": to, "message": "hi"})["callId"])


def asked(gateway: Any, method: str, params: dict[str, Any]) -> Any:
    reply = httpx.post(
        f"{gateway.url}/rpc/{method}",
        json=params,
        headers={"Authorization": f"Bearer {gateway.token}"},
    )
    return reply.json()


def test_every_action_answers_with_the_payload_of_its_method(
    tool: VoiceCallTool, gateway: Any
) -> None:
    placed = tool.run({"action": "initiate_call", "to": STAYS, "message": "hi"})
    assert set(placed) == {"callId", "initiated"}
    call_id = placed["callId"]
    say = {"callId": call_id, "message": "Hello"}
    assert tool.run({"action": "continue_call", **say}) == {
        "success": True,
        "transcript": "yes please",
    }
    assert tool.run({"action": "speak_to_user", **say}) == {"success": True}
    assert tool.run({"action": "send_dtmf", "callId": call_id, "digits": "1#"}) == {"success": True}
    for question in ({"callId": call_id}, {}):
        found = tool.run({"action": "get_status", **question})
        assert found == asked(gateway, "voicecall.status", question)
    assert tool.run({"action": "end_call", "callId": call_id}) == {"success": True}
    assert tool.run({"action": "end_call", "callId": call_id}) == {"success": True}
    assert gateway.service.said == ["Hello", "Hello"]
    assert gateway.service.keys == ["1#"]


def test_a_failure_is_an_error_in_the_words_of_the_gateway(
    tool: VoiceCallTool, gateway: Any
) -> None:
    refused = {"to": REFUSED, "message": "hi"}
    answer = asked(gateway, "voicecall.initiate", refused)
    assert tool.run({"action": "initiate_call", **refused}) == {"error": answer["error"]["message"]}
    assert tool.run({"action": "end_call", "callId": "nobody"}) == {"error": "Call not found"}
    assert tool.run({"action": "initiate_call"}) == {"error": "message required"}
    assert tool.run({"action": "speak_to_user", "callId": "c"}) == {
        "error": "callId and message required"
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "initiate", "to": STAYS, "message": "hi"},
        {"to": STAYS, "message": "hi"},
        {"action": "initiate_call", "to": STAYS, "message": "hi", "from": "+15550009999"},
        {"action": "initiate_call", "to": STAYS, "message": "hi", "url": "http://other"},
        {"action": "initiate_call", "to": STAYS, "message": "hi", "provider": "other"},
        {"action": "initiate_call", "to": STAYS, "message": "hi", "idempotencyKey": "k"},
        '{"action": "initiate_call", "message": ',
        "[1]",
        "null",
    ],
)
def test_what_is_not_understood_is_an_error_and_never_a_call(
    tool: VoiceCallTool, gateway: Any, arguments: Any
) -> None:
    answer = tool.run(arguments)
    assert list(answer) == ["error"]
    assert answer["error"]
    assert not gateway.service.calls


def test_arguments_may_come_as_the_json_text_that_a_model_wrote(
    tool: VoiceCallTool, gateway: Any
) -> None:
    text = json.dumps({"action": "initiate_call", "to": STAYS, "message": "hi", "callId": None})
    assert tool.run(text)["initiated"] is True


def test_a_budget_of_a_window_frees_each_place_when_its_hour_is_over() -> None:
    now = [0.0]
    budget = CallBudget(2, within_seconds=3600, now=lambda: now[0])
    budget.take()
    now[0] = 1800
    budget.take()
    with pytest.raises(PolicyRefused, match="in 30 minutes") as refused:
        budget.take()
    assert refused.value.reason == "policy.session"
    now[0] = 3600
    budget.take()
    with pytest.raises(PolicyRefused, match="in 30 minutes"):
        budget.take()


def test_a_session_has_a_budget_of_calls(gateway: Any) -> None:
    budget = CallBudget(2)
    tool = VoiceCallTool(url=gateway.url, token=gateway.token, budget=budget, session_key="s-1")
    place(tool)
    place(tool)
    answer = tool.run({"action": "initiate_call", "to": STAYS, "message": "hi"})
    assert "2 calls" in answer["error"]
    assert len(gateway.service.calls) == 2
    assert len(tool.run({"action": "get_status"})["calls"]) == 2


def test_a_host_that_waits_gets_the_outcome_with_the_call(gateway: Any) -> None:
    tool = VoiceCallTool(url=gateway.url, token=gateway.token, wait=True)
    answer = tool.run({"action": "initiate_call", "to": TALKS, "message": "hi"})
    expected = asked(gateway, "voicecall.initiate", {"to": TALKS, "message": "hi", "wait": True})
    assert set(answer) == set(expected) == {"callId", "initiated", "call", "summary"}
    assert answer["summary"] == expected["summary"]
    assert answer["summary"]["outcome"] == "hangup-user"
    assert answer["summary"]["endedBy"] == "user"


def test_the_running_gateway_is_found_by_what_the_environment_says(
    gateway: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICECALL_URL", gateway.url)
    monkeypatch.setenv("VOICECALL_TOKEN", gateway.token)
    assert run({"action": "get_status"}) == {"calls": []}
    assert anyio.run(run_async, {"action": "get_status"}) == {"calls": []}


def test_without_a_gateway_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    tool = VoiceCallTool(directory=tmp_path)
    assert "voicecall serve" in str(tool.run({"action": "get_status"})["error"])
    away = VoiceCallTool(url="http://127.0.0.1:9", token="t")
    assert "no gateway listens" in str(away.run({"action": "get_status"})["error"])


def test_a_wrong_token_is_an_error_that_repeats_no_token(gateway: Any) -> None:
    answer = VoiceCallTool(url=gateway.url, token="not-the-token").run({"action": "get_status"})
    assert "does not let us in" in str(answer["error"])
    assert "not-the-token" not in str(answer)


def test_a_stranger_at_the_address_is_an_error(gateway: Any) -> None:
    tool = VoiceCallTool(url=f"{gateway.url}/somewhere", token=gateway.token)
    assert list(tool.run({"action": "get_status"})) == ["error"]


def test_a_program_that_already_runs_an_event_loop_may_use_the_plain_function(
    tool: VoiceCallTool,
) -> None:
    async def program() -> Any:
        return tool.run({"action": "get_status"})

    assert anyio.run(program) == {"calls": []}


def test_a_program_that_is_the_gateway_uses_it_without_a_socket(gateway: Any) -> None:
    async def program() -> Any:
        async with local_door(gateway.service) as door:
            tool = VoiceCallTool(door, wait=True)
            answer = await tool.run_async({"action": "initiate_call", "to": BUSY, "message": "hi"})
            return answer, await tool.run_async({"action": "end_call", "callId": "nobody"})

    answer, failure = gateway.portal.call(program)
    assert answer["summary"]["outcome"] == "busy"
    assert answer["summary"]["answered"] is False
    assert failure == {"error": "Call not found"}
