"""Do conversations also work with voices and ears instead of tones? espeak speaks, sphinx hears.

Three at once on one gateway, twice as fast as life: one caller interrupts, one answers with a
single word, one sits in a room that throws our voice back.
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

pytestmark = pytest.mark.anyio

STORY = (
    "the story is about a lighthouse and the old man who kept it and it is a very long one "
    "because he lived there for forty years and wrote down every ship that went by"
)
STOPPED = "as you wish"
DONE = "then it is done"
RAIN = "it will rain in the morning"
GREETING = "hello how can i help you"
OURS = [GREETING, STORY, STOPPED, DONE, RAIN]
THEIRS = ["tell me the story", "stop now please", "yes", "what is the weather", "goodbye"]
VOICE = {"provider": "espeak", "options": {"voice": "en-us+f2", "speed": 150}}
EARS = {"provider": "sphinx"}
GREETED = {"listen": "help you", "timeoutMs": 30_000}
HANG_UP = {"hangUp": True}

CALLERS: dict[str, dict[str, Any]] = {
    "+15550004001": {
        "steps": [
            GREETED,
            {"say": "tell me the story"},
            {"wait": 4000},
            {"say": "stop now please"},
            {"listen": "you wish", "timeoutMs": 30_000},
            HANG_UP,
        ]
    },
    "+15550004002": {
        "steps": [GREETED, {"say": "yes"}, {"listen": "done", "timeoutMs": 30_000}, HANG_UP]
    },
    "+15550004003": {
        "room": {"echoDelayMs": 180, "echoDb": -12},
        "steps": [
            GREETED,
            # As long as a recogniser needs to keep our echo and the caller's words apart.
            {"wait": 1500},
            {"say": "what is the weather"},
            {"listen": "morning", "timeoutMs": 30_000},
            {"wait": 1500},
            HANG_UP,
        ],
    },
}


def scene() -> dict[str, Any]:
    replies = {"story": STORY, "stop": STOPPED, "yes": DONE, "weather": RAIN}
    lines = [{"match": word, "say": reply} for word, reply in replies.items()]
    person = {"answerAfterMs": 200, "voice": VOICE, "ears": EARS, "phrases": OURS}
    return {
        "streaming": {"provider": "sphinx", "providers": {"sphinx": {"phrases": THEIRS}}},
        "tts": {"provider": "espeak", "providers": {"espeak": {"voice": "en-us+f3", "speed": 150}}},
        "responder": "scripted",
        "responders": {"scripted": {"lines": lines}},
        "mock": {
            "timeScale": 2,
            "phones": {number: {**person, **caller} for number, caller in CALLERS.items()},
        },
    }


async def test_real_voices_interrupt_answer_in_a_word_and_are_told_from_our_echo(
    start: Any,
) -> None:
    lines: dict[str, list[tuple[str, str, str | None]]] = {}
    async with start(scene(), patience=120) as gateway:

        async def hold(number: str) -> None:
            record = await gateway.until_over(await gateway.call(GREETING, to=number))
            lines[number] = [
                (line.speaker.value, line.text, line.heard) for line in record.transcript
            ]

        async with anyio.create_task_group() as calls:
            for number in CALLERS:
                calls.start_soon(hold, number)

    interrupted, brief, echoing = (lines[number] for number in CALLERS)
    texts = [(who, text) for who, text, _ in interrupted]
    assert texts == [
        ("bot", GREETING),
        ("user", "tell me the story"),
        ("bot", STORY),
        ("user", "stop now please"),
        ("bot", STOPPED),
    ]
    heard = interrupted[2][2]
    assert heard is not None and STORY.startswith(heard.rstrip(" .,-")) and len(heard) < len(STORY)
    assert [text for _, text, _ in brief] == [GREETING, "yes", DONE]
    assert [text for _, text, _ in echoing] == [GREETING, "what is the weather", RAIN]
