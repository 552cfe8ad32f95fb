"""Does each call hear the lines of the script that fit, in their order?"""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import (
    CallId,
    CallMode,
    Direction,
    EndCall,
    HttpResponse,
    PluginContext,
    PressDigits,
    ReplyPart,
    ReplyText,
    SystemClock,
    TransferCall,
    Turn,
)
from voicecall_responder_scripted.config import ScriptedConfig, ScriptLine
from voicecall_responder_scripted.plugin import voicecall_responders
from voicecall_responder_scripted.script import Script


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("a script needs no network")


class Reply:
    def __init__(self) -> None:
        self.parts: list[ReplyPart] = []

    async def write(self, part: ReplyPart) -> None:
        self.parts.append(part)


def turn(text: str, call: str = "one") -> Turn:
    return Turn(
        call_id=CallId(call),
        number=1,
        text=text,
        direction=Direction.INBOUND,
        mode=CallMode.CONVERSATION,
        from_number=None,
        to_number=None,
        history=(),
        session_key="key",
    )


def replies(turns: list[Turn], **options: object) -> list[list[ReplyPart]]:
    (spec,) = voicecall_responders()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )

    async def main() -> list[list[ReplyPart]]:
        found = []
        async with spec.open(ScriptedConfig.model_validate(options), context) as responder:
            for one in turns:
                reply = Reply()
                await responder.respond(one, reply)
                found.append(reply.parts)
        return found

    return anyio.run(main)


def said(*texts: str) -> list[list[ReplyPart]]:
    return [[ReplyText(text=text)] if text else [] for text in texts]


def test_each_turn_gets_the_next_line_and_then_silence() -> None:
    turns = [turn("hello")] * 3
    assert replies(turns, lines=["one", "two"]) == said("one", "two", "")


def test_a_script_can_begin_anew() -> None:
    turns = [turn("hello")] * 3
    assert replies(turns, lines=["one", "two"], afterwards="repeat") == said("one", "two", "one")


def test_a_script_can_hang_up_when_nothing_is_left() -> None:
    turns = [turn("hello")] * 2
    assert replies(turns, lines=["one"], afterwards="end") == [*said("one"), [EndCall()]]


def test_a_matching_line_is_taken_before_its_turn_and_once() -> None:
    lines = ["one", {"match": "Human", "say": "wait"}, "two"]
    turns = [turn("a HUMAN, please"), turn("a human"), turn("hello"), turn("human")]
    assert replies(turns, lines=lines) == said("wait", "one", "two", "")


def test_a_line_whose_match_is_not_said_is_skipped() -> None:
    lines = [{"match": "human", "say": "wait"}, "two"]
    assert replies([turn("hello"), turn("hello")], lines=lines) == said("two", "")


def test_a_line_says_first_and_acts_then() -> None:
    lines = [
        {"say": "pressing", "press": "1w2#"},
        {"say": "connecting", "transferTo": "+15550001234"},
        {"end": True},
    ]
    assert replies([turn("go")] * 3, lines=lines) == [
        [ReplyText(text="pressing"), PressDigits(digits="1w2#")],
        [ReplyText(text="connecting"), TransferCall(to="+15550001234")],
        [EndCall()],
    ]


def test_every_call_goes_through_the_script_at_its_own_pace() -> None:
    turns = [turn("a"), turn("a", "two"), turn("a"), turn("a", "two")]
    assert replies(turns, lines=["one", "two"]) == said("one", "one", "two", "two")


def test_only_so_many_calls_are_remembered_and_the_quietest_is_forgotten() -> None:
    script = Script([ScriptLine(say="one")], repeat=False, most_calls=2)
    for call in ("a", "b", "a", "c"):
        script.next(call, "")
    answered = {call: script.next(call, "") is not None for call in ("a", "c", "b")}
    assert answered == {"a": False, "c": False, "b": True}


@given(st.lists(st.sampled_from(["x", "y", ""]), min_size=1), st.integers(1, 30))
def test_without_repeating_no_line_is_heard_twice(matches: list[str], turns: int) -> None:
    lines = [
        ScriptLine(say=str(number), match=match or None) for number, match in enumerate(matches)
    ]
    script = Script(lines, repeat=False, most_calls=1)
    heard = [line.say for line in (script.next("a", "x y") for _ in range(turns)) if line]
    assert len(heard) == len(set(heard)) == min(turns, len(lines))


@pytest.mark.parametrize(
    "line",
    [
        "",
        {"say": " "},
        {"match": "x"},
        {"say": "x", "match": " "},
        {"press": "1e"},
        {"transferTo": "5550001234"},
        {"transferTo": "+15550001234", "end": True},
        {"says": "x"},
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(line: object) -> None:
    with pytest.raises(ValidationError):
        ScriptedConfig.model_validate({"lines": [line]})


@pytest.mark.parametrize("options", [{}, {"lines": []}, {"lines": ["x"], "afterwards": "stop"}])
def test_a_script_that_cannot_be_meant_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ScriptedConfig.model_validate(options)
