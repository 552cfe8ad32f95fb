"""Does a program that hears itself, or noise, talk to itself? Conversations in bad rooms."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

pytestmark = pytest.mark.anyio

GREETING = "Hello, how can I help?"
STORY = (
    "Once upon a time there was a small telephone exchange at the foot of a high mountain and "
    "in it sat a woman who knew every voice of the valley"
)
LINES = [{"match": "story", "say": STORY}, {"match": "thanks", "say": "You are welcome."}]
LISTEN = {"listen": True, "timeoutMs": 30_000}
STEPS = [LISTEN, {"say": "tell me the story"}, LISTEN, {"say": "thanks"}, LISTEN, {"hangUp": True}]
ROOMS = {
    "near and loud": {"echoDelayMs": 60, "echoDb": -6},
    "farther": {"echoDelayMs": 180, "echoDb": -12},
    "far and faint": {"echoDelayMs": 400, "echoDb": -18},
    "noise": {"noiseDb": -45},
}
"""No echo lasts longer than the person waits for our silence."""


async def test_nobody_talks_to_the_echo_or_to_the_noise_of_a_room(start: Any) -> None:
    numbers = {f"+1555000{4000 + index}": room for index, room in enumerate(ROOMS)}
    phones = {
        number: {"answerAfterMs": 100, "steps": STEPS, "patienceMs": 1200, "room": ROOMS[name]}
        for number, name in numbers.items()
    }
    mock = {"timeScale": 1, "phones": phones}
    script = {"responder": "scripted", "responders": {"scripted": {"lines": LINES}}}
    async with start({"mock": mock} | script, patience=120) as gateway:

        async def hold(number: str, room: str) -> None:
            call_id = await gateway.call(GREETING, to=number)
            record = await gateway.until_over(call_id)
            lines = [(line.speaker.value, line.text, line.heard) for line in record.transcript]
            assert lines == [
                ("bot", GREETING, None),
                ("user", "tell me the story", None),
                ("bot", STORY, None),
                ("user", "thanks", None),
                ("bot", "You are welcome.", None),
            ], room
            heard = " ".join(await gateway.heard_by_phone(call_id))
            assert heard == f"{GREETING} {STORY} You are welcome.", room

        async with anyio.create_task_group() as tasks:
            for number, room in numbers.items():
                tasks.start_soon(hold, number, room)
