"""Does each number of ours answer in its own way, on one gateway and at the same time?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

pytestmark = pytest.mark.anyio

SALES, WORKSHOP, SLOW = "+15550001111", "+15550001112", "+15550001113"
CALLERS = {SALES: "+15550004441", WORKSHOP: "+15550004442", SLOW: "+15550004443"}
LISTEN = {"listen": True, "timeoutMs": 30_000}
PROGRAM = """
import json, sys, time
for line in sys.stdin:
    turn = json.loads(line)
    if turn["agentId"] == "slow":
        time.sleep(30)
    print(json.dumps({"say": f"Agent {turn['agentId']} writes that down."}), flush=True)
"""
HELLO, SALES_HELLO = "You have called the company.", "This is the sales department."


def lines_of(call: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [line for line in call["lines"] if line["kind"] == kind]


async def test_every_number_has_its_greeting_voice_agent_and_patience(
    start: Any, tmp_path: Path
) -> None:
    program = tmp_path / "answer.py"
    program.write_text(PROGRAM)
    steps = [LISTEN, {"say": "I want to order"}, LISTEN, {"hangUp": True}]
    changes = {
        "inboundPolicy": "open",
        "inboundGreeting": HELLO,
        "responder": "command",
        "responders": {"command": {"argv": [sys.executable, str(program)]}},
        "numbers": {
            SALES: {
                "inboundGreeting": SALES_HELLO,
                "agentId": "sales",
                "tts": {"providers": {"tones": {"symbolMs": 60}}},
            },
            SLOW: {"agentId": "slow", "responseTimeoutMs": 300},
        },
        "mock": {"phones": {caller: {"steps": steps} for caller in CALLERS.values()}},
    }
    calls: dict[str, dict[str, Any]] = {}
    async with start(changes) as gateway:

        async def dial(number: str) -> None:
            calls[number] = await gateway.dial_in(CALLERS[number], to=number)

        async with anyio.create_task_group() as tasks:
            for number in CALLERS:
                tasks.start_soon(dial, number)
        records = {record.to_number: record for record in await gateway.service.history(5)}

    def heard(number: str) -> list[str]:
        return [line["text"] for line in lines_of(calls[number], "heard")]

    assert heard(SALES) == [SALES_HELLO, "Agent sales writes that down."]
    assert heard(WORKSHOP) == [HELLO, "Agent main writes that down."]
    assert heard(SLOW) == [HELLO, "Sorry, I cannot answer that right now."]
    assert [line.text for line in records[SLOW].transcript][-1] == heard(SLOW)[-1]

    def greeted_for(number: str) -> float:
        """Seconds from the beginning of the greeting to the answer."""
        said = lines_of(calls[number], "said")[0]["at"]
        return float(said - lines_of(calls[number], "heard")[0]["at"])

    assert greeted_for(SALES) > len(SALES_HELLO) * 0.06
    assert greeted_for(SALES) > greeted_for(WORKSHOP) + len(HELLO) * 0.03
