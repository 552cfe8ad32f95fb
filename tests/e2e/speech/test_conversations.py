"""Does nobody notice that a program is on the line? Conversations, judged by both sides.

Six interruptions in `make test`, twenty with ``VOICECALL_FULL=1``; ten other conversations.

Tones say exactly what was heard: at the phone from what it noted, at our end from the record. All
conversations of a test share a gateway, a few at a time. How we tell our own echo from a caller is
judged sample by sample in `tests/unit/media/sessions/test_acceptance.py`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import anyio
import pytest

pytestmark = pytest.mark.anyio

FULL = os.environ.get("VOICECALL_FULL") == "1"
AT_ONCE = 2
TIME_SCALE = 2
"""Low, as is the number of calls at once: no machine is too slow to hear an interruption."""
STORY = (
    "Once upon a time there was a small telephone exchange at the foot of a high mountain and "
    "in it sat a woman who knew every voice of the valley by name and every name by its voice"
)
END_OF_STORY = "by its voice"
# So long that a machine under load has not told it when the last caller interrupts.
EPIC = f"{STORY} and then {STORY} for ever after"
END_OF_EPIC = "for ever after"
REPLIES = {
    "story": STORY,
    "epic": EPIC,
    "stop": "As you wish.",
    "yes": "Then it is done.",
    "tomorrow": "Tomorrow, then.",
    "ben": "Hello to both of you.",
    "monday": "That was a lot at once.",
    "7": "Seven, thank you.",
    "no": "Then we leave it.",
}
MONOLOGUE = (
    "I have been thinking about this for the whole week and my sister says that I should not do it "
    "but my brother who has never been wrong about anything says that I should and so I called you "
    "to ask whether it would be possible to come a little later on Monday"
)
LISTEN, HANG_UP = {"listen": True, "timeoutMs": 30_000}, {"hangUp": True}
# By its last words: a machine under load may make a pause in the middle of a greeting.
GREETED = {"listen": "can I help?", "timeoutMs": 30_000}


def told(reply: str) -> dict[str, Any]:
    """The phone waits until it has heard our reply to its end."""
    return {"listen": REPLIES[reply], "timeoutMs": 30_000}


TELL = (GREETED, {"say": "tell me the story"})


@dataclass(frozen=True)
class Said:
    """What became of a conversation."""

    lines: list[tuple[str, str]]
    heard_of: dict[str, str | None]
    at_the_phone: list[str]


def script(replies: dict[str, str]) -> dict[str, Any]:
    lines = [{"match": word, "say": reply} for word, reply in replies.items()]
    return {"responder": "scripted", "responders": {"scripted": {"lines": lines}}}


async def held(start: Any, conversations: list[tuple[Any, ...]]) -> list[Said]:
    """Every conversation by its steps, at phones of their own."""
    numbers = [f"+1555000{4000 + index}" for index in range(len(conversations))]
    phones = {
        number: {"answerAfterMs": 100, "steps": list(steps)}
        for number, steps in zip(numbers, conversations, strict=True)
    }
    results: dict[str, Said] = {}
    limit = anyio.CapacityLimiter(AT_ONCE)

    mock = {"phones": phones, "timeScale": TIME_SCALE}
    async with start({"mock": mock} | script(REPLIES), patience=240) as gateway:

        async def hold(number: str) -> None:
            async with limit:
                call_id = await gateway.call("Hello, how can I help?", to=number)
                record = await gateway.until_over(call_id)
                results[number] = Said(
                    lines=[(line.speaker.value, line.text) for line in record.transcript],
                    heard_of={line.text: line.heard for line in record.transcript},
                    at_the_phone=await gateway.heard_by_phone(call_id),
                )

        async with anyio.create_task_group() as tasks:
            for number in numbers:
                tasks.start_soon(hold, number)
    ours = {"Hello, how can I help?", *REPLIES.values()}
    for said in results.values():
        assert not [text for who, text in said.lines if who == "user" and text in ours]
        assert said.lines[0] == ("bot", "Hello, how can I help?")
    return [results[number] for number in numbers]


async def test_wherever_a_caller_interrupts_we_stop_and_answer_what_was_said(start: Any) -> None:
    positions = range(300, 2300, 100 if FULL else 380)
    cut = [
        (
            GREETED,
            {"say": "tell me the epic"},
            {"interrupt": "stop it", "afterMs": position},
            told("stop"),
            HANG_UP,
        )
        for position in positions
    ]
    heard = []
    for said in await held(start, cut):
        assert said.lines[1:] == [
            ("user", "tell me the epic"),
            ("bot", EPIC),
            ("user", "stop it"),
            ("bot", "As you wish."),
        ]
        part = said.heard_of[EPIC]
        assert part is not None and EPIC.startswith(part) and part != EPIC
        heard.append(len(part))
        assert said.at_the_phone[-1].endswith("As you wish."), said.at_the_phone
        assert not any(END_OF_EPIC in text for text in said.at_the_phone)
    # The later they speak, the more they heard, by the speed of the voice.
    half = len(heard) // 2
    assert sum(heard[-half:]) - sum(heard[:half]) > half * len(STORY) / 6


async def test_who_only_hums_hears_us_out(start: Any) -> None:
    hums = [
        (*TELL, {"interrupt": hum, "afterMs": at}, LISTEN, {"wait": 1500}, HANG_UP)
        for hum, at in (("mhm", 400), ("uh-huh", 1000), ("okay", 1800))
    ]
    for said in await held(start, hums):
        assert said.heard_of[STORY] is None
        assert [who for who, _ in said.lines].count("bot") == 2
        assert said.at_the_phone[-1].endswith(END_OF_STORY)


async def test_every_kind_of_answer_is_heard_and_answered_once(start: Any) -> None:
    answers: dict[str, tuple[Any, ...]] = {
        "a short yes": (GREETED, {"say": "yes"}, told("yes"), HANG_UP),
        "a short no": (GREETED, {"say": "no"}, told("no"), HANG_UP),
        "silence": (GREETED, {"wait": 4000}, HANG_UP),
        "a key": (GREETED, {"press": "7"}, told("7"), HANG_UP),
        "a monologue": (GREETED, {"say": MONOLOGUE}, told("monday"), HANG_UP),
        "two people": (
            GREETED,
            {"say": "this is Ann"},
            {"wait": 300},
            {"say": "and this is Ben"},
            told("ben"),
            HANG_UP,
        ),
        "second thoughts": (
            GREETED,
            {"say": "today please"},
            {"wait": 1000},
            {"say": "no I mean tomorrow"},
            told("tomorrow"),
            HANG_UP,
        ),
    }
    results = dict(zip(answers, await held(start, list(answers.values())), strict=True))

    def answer(name: str) -> str:
        assert results[name].lines[-1][0] == "bot"
        assert results[name].at_the_phone[-1] == results[name].lines[-1][1]
        return results[name].lines[-1][1]

    def heard(name: str) -> str:
        return " ".join(text for who, text in results[name].lines if who == "user")

    assert answer("a short yes") == REPLIES["yes"]
    assert answer("a short no") == REPLIES["no"]
    assert len(results["silence"].lines) == 1
    assert answer("a key") == REPLIES["7"]
    assert heard("a monologue") == MONOLOGUE
    assert answer("a monologue") == REPLIES["monday"]
    assert "Ann" in heard("two people") and "Ben" in heard("two people")
    assert answer("two people") == REPLIES["ben"]
    assert heard("second thoughts") == "today please no I mean tomorrow"
    assert answer("second thoughts") == REPLIES["tomorrow"]
