"""Is what methods answer what their result models say, no field more and none less?"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from voicecall.calls.timing import latency
from voicecall.model.call import (
    CallMode,
    CallRecord,
    CallState,
    Direction,
    Speaker,
    TranscriptLine,
    TurnTiming,
)
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.rpc.methods import METHODS
from voicecall.rpc.results import Call, Ended
from voicecall.rpc.summary import summary_object
from voicecall.rpc.wire import call_object, latency_object

BARE = CallRecord(
    call_id=CallId("c-1"),
    provider="mock",
    direction=Direction.OUTBOUND,
    state=CallState.INITIATED,
    mode=CallMode.NOTIFY,
    from_number=None,
    to_number=None,
    started_at=1000.0,
)
TURN = TurnTiming(
    number=1,
    speech_ended_at=1003.0,
    transcript_at=1003.1,
    reply_started_at=1003.2,
    first_audio_at=1003.3,
    first_frame_at=1003.4,
    first_heard_at=1003.5,
)
ENDED = replace(
    BARE,
    state=CallState.REJECTED,
    from_number="+15550001111",
    to_number="+15550002222",
    session_key="desk",
    carrier_ids=(CarrierCallId("v3:x"),),
    answered_at=1001.0,
    ended_at=1010.0,
    end_reason=CallState.REJECTED,
    end_detail="not on the list",
    refused="policy.allowlist",
    transcript=(
        TranscriptLine(timestamp=1002.0, speaker=Speaker.BOT, text="Hello there", heard="Hello"),
        TranscriptLine(timestamp=1003.0, speaker=Speaker.USER, text="Hi"),
    ),
    turns=(TurnTiming(number=1), TURN),
    digits="12#",
    answered_by="human",
    attestation="A",
    recording="/somewhere/c-1.wav",
    transferred_to="+15550003333",
    note="Bob wants two.",
    metadata={"source": "test"},
)
LIVE = replace(ENDED, state=CallState.LISTENING, ended_at=None, end_reason=None, refused=None)
INBOUND = replace(ENDED, direction=Direction.INBOUND, mode=CallMode.CONVERSATION)

CALLS = {"bare": BARE, "ended": ENDED, "live": LIVE, "inbound": INBOUND}


def fits(model: Any, payload: object) -> None:
    """Both of the model and of the JSON Schema that clients see of it."""
    text = json.dumps(payload)
    model.model_validate_json(text, strict=True)
    Draft202012Validator(model.model_json_schema()).validate(json.loads(text))


@pytest.mark.parametrize("name", CALLS)
def test_the_call_object_is_what_its_model_says(name: str) -> None:
    fits(Call, call_object(CALLS[name]))


@pytest.mark.parametrize("state", CallState)
def test_a_call_in_any_state_and_its_summary_are_what_their_models_say(state: CallState) -> None:
    record = replace(ENDED, state=state, end_reason=state if state.is_terminal else None)
    call, summary = call_object(record), summary_object(record)
    fits(Ended, {"callId": "c-1", "initiated": True, "call": call, "summary": summary})


def test_a_call_has_every_field_that_its_model_knows() -> None:
    assert set(call_object(ENDED)) == {f.alias or n for n, f in Call.model_fields.items()}


def test_nothing_but_what_is_known_is_in_a_call() -> None:
    schema = Draft202012Validator(Call.model_json_schema())
    shown = call_object(BARE)
    for wrong in ({"secret": "x"}, {"state": "gone"}, {"startedAt": "now"}, {"endReason": None}):
        with pytest.raises(ValidationError):
            schema.validate(shown | wrong)


@pytest.mark.parametrize("turns", [(), (TURN,)], ids=["nothing", "a turn"])
def test_the_figures_are_what_their_model_says(turns: tuple[TurnTiming, ...]) -> None:
    figures = latency_object(latency([turns]))
    fits(METHODS["voicecall.latency"].result, figures)


def test_every_method_publishes_what_it_takes_and_answers() -> None:
    for method in METHODS.values():
        for model in (method.params, method.result):
            Draft202012Validator.check_schema(model.model_json_schema())
            assert model.__doc__, method.name


def test_every_time_of_a_turn_is_in_its_model() -> None:
    assert len(fields(TurnTiming)) + len(("latencyMs", "listenWaitMs")) == len(
        call_object(ENDED)["turns"][1]  # type: ignore[index]
    )
