"""What may be said at once, through every door that takes a text?"""

from __future__ import annotations

import pytest

from voicecall.agent_tool.actions import read_action
from voicecall.errors import InvalidRequest
from voicecall.rpc.params import MAX_SPOKEN_CHARACTERS, Initiate, Start, Utter, read_params

DOORS = {
    "initiate": lambda text: read_params(Initiate, {"message": text}).message,
    "start": lambda text: read_params(Start, {"to": "+15550002222", "message": text}).message,
    "utter": lambda text: read_params(Utter, {"callId": "c", "message": text}).message,
    "initiate_call": lambda text: read_action(
        {"action": "initiate_call", "message": text}
    ).params()["message"],
    "continue_call": lambda text: read_action(
        {"action": "continue_call", "callId": "c", "message": text}
    ).params()["message"],
    "speak_to_user": lambda text: read_action(
        {"action": "speak_to_user", "callId": "c", "message": text}
    ).params()["message"],
}


@pytest.mark.parametrize("door", DOORS)
def test_ten_thousand_characters_are_said_and_one_more_is_refused(door: str) -> None:
    assert len(DOORS[door]("x" * MAX_SPOKEN_CHARACTERS)) == 10_000
    with pytest.raises(InvalidRequest, match="message: more than 10000 characters") as refused:
        DOORS[door]("x" * 10_001)
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize("door", DOORS)
def test_control_characters_are_dropped_and_everything_else_is_kept(door: str) -> None:
    said = DOORS[door]("a\x00b\x1b\x7f\x85c\n\td </Say>& \U0001f600 \u05d0\u05d1")
    assert said == "abc\n\td </Say>& \U0001f600 \u05d0\u05d1"


@pytest.mark.parametrize("door", DOORS)
def test_a_text_of_control_characters_only_is_refused(door: str) -> None:
    with pytest.raises(InvalidRequest, match="nothing in it can be spoken"):
        DOORS[door]("\x00\x01")
