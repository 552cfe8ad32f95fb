"""The call object and the event objects: every event kind has a form, and no secret leaves."""

from __future__ import annotations

import dataclasses
import json

import pytest

from voicecall.model.call import (
    CallMode,
    CallRecord,
    CallState,
    Direction,
    Speaker,
    TranscriptLine,
    TurnTiming,
)
from voicecall.model.call_events import STORED_EVENTS, CallCreated, CallEvent, PartialHeard
from voicecall.model.ids import CallId, CarrierCallId
from voicecall.rpc.wire import call_object, event_object

CANARY = "canary-secret"

RECORD = CallRecord(
    call_id=CallId("c-1"),
    provider="mock",
    direction=Direction.OUTBOUND,
    state=CallState.HANGUP_USER,
    mode=CallMode.CONVERSATION,
    from_number="+15550001111",
    to_number="+15550002222",
    started_at=1000.0,
    answered_at=1001.2345,
    ended_at=1010.0,
    end_reason=CallState.HANGUP_USER,
    secret=CANARY,
    carrier_ids=(CarrierCallId("request"), CarrierCallId("call")),
    transcript=(
        TranscriptLine(timestamp=1002.0, speaker=Speaker.BOT, text="Hello there", heard="Hello"),
        TranscriptLine(timestamp=1003.0, speaker=Speaker.USER, text="Hi"),
    ),
    turns=(
        TurnTiming(number=1, speech_ended_at=1003.0, transcript_at=1003.1, first_audio_at=1003.6),
    ),
    metadata={"source": "test"},
)


def test_the_call_object_is_what_clients_of_the_reference_know() -> None:
    assert call_object(RECORD) == {
        "callId": "c-1",
        "providerCallId": "call",
        "provider": "mock",
        "direction": "outbound",
        "state": "hangup-user",
        "from": "+15550001111",
        "to": "+15550002222",
        "startedAt": 1_000_000,
        "answeredAt": 1_001_234,
        "endedAt": 1_010_000,
        "endReason": "hangup-user",
        "transcript": [
            {
                "timestamp": 1_002_000,
                "speaker": "bot",
                "text": "Hello there",
                "isFinal": True,
                "heard": "Hello",
            },
            {"timestamp": 1_003_000, "speaker": "user", "text": "Hi", "isFinal": True},
        ],
        "turns": [
            {
                "number": 1,
                "speechEndedAt": 1_003_000,
                "transcriptAt": 1_003_100,
                "firstAudioAt": 1_003_600,
                "latencyMs": 600,
                "listenWaitMs": 100,
            }
        ],
        "metadata": {
            "source": "test",
            "mode": "conversation",
            "turnCount": 1,
            "lastTurnLatencyMs": 600,
            "lastTurnListenWaitMs": 100,
        },
    }


def test_metadata_of_a_call_cannot_pose_as_ours() -> None:
    posing = dataclasses.replace(RECORD, metadata={"turnCount": "99"})
    assert call_object(posing)["metadata"]["turnCount"] == 1  # type: ignore[index]


def sample(kind: type[CallEvent]) -> CallEvent:
    values = {
        "provider": "mock",
        "direction": Direction.INBOUND,
        "mode": CallMode.NOTIFY,
        "from_number": None,
        "to_number": None,
        "secret": CANARY,
        "carrier_call_id": CarrierCallId("x"),
        "state": CallState.RINGING,
        "speaker": Speaker.USER,
        "text": "hello",
        "timing": TurnTiming(number=1),
        "digits": "1",
        "result": "machine",
        "location": "/a.wav",
        "to": "+15550009999",
    }
    names = {field.name for field in dataclasses.fields(kind)}
    chosen = {name: value for name, value in values.items() if name in names}
    return kind(call_id=CallId("c-1"), number=3, at=1.0, **chosen)


@pytest.mark.parametrize("kind", [*STORED_EVENTS, PartialHeard])
def test_every_kind_of_event_has_a_form_that_json_can_write(kind: type[CallEvent]) -> None:
    shown = event_object(sample(kind))
    assert shown["callId"] == "c-1"
    assert shown["at"] == 1000
    assert json.loads(json.dumps(shown)) == shown


def test_no_two_kinds_share_a_name() -> None:
    names = [event_object(sample(kind))["type"] for kind in (*STORED_EVENTS, PartialHeard)]
    assert len(set(names)) == len(names)


def test_the_calls_secret_stays_here() -> None:
    assert CANARY not in json.dumps(call_object(RECORD))
    assert CANARY not in json.dumps(event_object(sample(CallCreated)))


def test_a_turn_that_we_spoke_in_before_the_caller_has_no_latency() -> None:
    early = TurnTiming(number=1, speech_ended_at=5.0, transcript_at=5.0, first_heard_at=4.0)
    shown = call_object(dataclasses.replace(RECORD, turns=(early,)))
    assert "latencyMs" not in shown["turns"][0]  # type: ignore[index]
    assert "lastTurnLatencyMs" not in shown["metadata"]  # type: ignore[operator]
