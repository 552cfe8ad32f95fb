"""Which of Telnyx's many words mean the same? Ends, directions, machines, older forms."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    CallAnswered,
    CallEnded,
    CallId,
    CallOffered,
    CarrierEvent,
    Direction,
    EndCause,
    EndedBy,
    MachineDetected,
    MachineResult,
    SpeechHeard,
    StreamChange,
    StreamChanged,
    UnknownEvent,
    VerifiedWebhook,
    WebhookMalformed,
    WebhookRequest,
)
from voicecall_telnyx.client_state import ClientState, read_state, write_state
from voicecall_telnyx.events import event_of
from voicecall_telnyx.webhooks import read

DIALLED = ClientState(call=CallId("c-1"), secret="s-1")
UP = ClientState(call=CallId("c-1"), secret="s-1", up=True)


def webhook(body: bytes, query: str = "") -> VerifiedWebhook:
    request = WebhookRequest(
        method="POST",
        url=f"https://voice.example.com/voice/webhook?{query}",
        hook="",
        query_string=query,
        headers=(),
        body=body,
        received_at=1_800_000_000,
    )
    return VerifiedWebhook(request=request, replay_key="k")


def told(
    kind: str,
    payload: Mapping[str, Any] | None = None,
    *,
    query: str = "",
    state: ClientState | None = None,
) -> CarrierEvent:
    full = {"call_control_id": "v3:x", **(payload or {})}
    if state is not None:
        full["client_state"] = write_state(state)
    body = {"data": {"event_type": kind, "id": "e-1", "payload": full}}
    return event_of(read(webhook(json.dumps(body).encode(), query)))


def ended(state: ClientState | None = None, **payload: Any) -> CallEnded:
    event = told("call.hangup", payload, state=state)
    assert isinstance(event, CallEnded)
    return event


@pytest.mark.parametrize(
    ("word", "cause"),
    [
        ("originator_cancel", EndCause.CANCELED),
        ("timeout", EndCause.NO_ANSWER),
        ("no_answer", EndCause.NO_ANSWER),
        ("time_limit", EndCause.TIMEOUT),
        ("user_busy", EndCause.BUSY),
        ("call_rejected", EndCause.REJECTED),
        ("not_found", EndCause.FAILED),
        ("unspecified", EndCause.FAILED),
        ("something_new", EndCause.FAILED),
        (None, EndCause.FAILED),
    ],
)
def test_every_hangup_cause_has_its_meaning(word: str | None, cause: EndCause) -> None:
    for state in (None, DIALLED, UP):
        assert ended(state, hangup_cause=word, hangup_source="callee").cause is cause


@pytest.mark.parametrize(
    ("state", "sip", "source", "cause"),
    [
        (UP, None, "callee", EndCause.COMPLETED),
        (UP, "487", "caller", EndCause.COMPLETED),
        (DIALLED, "200", "callee", EndCause.COMPLETED),
        (DIALLED, "487", "caller", EndCause.CANCELED),
        (DIALLED, "603", "callee", EndCause.REJECTED),
        (DIALLED, "unspecified", "caller", EndCause.CANCELED),
        (DIALLED, None, "unknown", EndCause.REJECTED),
        (None, "200", "caller", EndCause.COMPLETED),
        (None, "487", "caller", EndCause.CANCELED),
        (None, "unspecified", "caller", EndCause.COMPLETED),
    ],
)
def test_a_normal_end_depends_on_whether_anybody_had_answered(
    state: ClientState | None, sip: str | None, source: str, cause: EndCause
) -> None:
    event = ended(state, hangup_cause="normal_clearing", hangup_source=source, sip_hangup_cause=sip)
    assert event.cause is cause


def test_an_end_says_who_hung_up_and_why() -> None:
    event = ended(hangup_cause="user_busy", hangup_source="callee", sip_hangup_cause="486")
    assert (event.ended_by, event.detail) == (EndedBy.CALLEE, "user_busy (SIP 486)")
    assert ended(hangup_cause="timeout", hangup_source="caller").ended_by is EndedBy.CALLER
    assert ended(hangup_cause="timeout").ended_by is EndedBy.UNKNOWN


@pytest.mark.parametrize("word", ["incoming", "inbound"])
def test_a_call_that_comes_in_is_offered(word: str) -> None:
    event = told("call.initiated", {"direction": word, "from": "+15550002222", "to": "anonymous"})
    assert isinstance(event, CallOffered)
    assert (event.direction, event.placed_elsewhere) == (Direction.INBOUND, False)
    assert (event.from_number, event.to_number) == ("+15550002222", None)


@pytest.mark.parametrize("word", ["outgoing", "outbound"])
def test_only_a_call_that_is_not_ours_was_placed_elsewhere(word: str) -> None:
    numbers = {"direction": word, "from": "+15550001111", "to": "sip:ada@example.com"}
    elsewhere = told("call.initiated", numbers)
    assert isinstance(elsewhere, CallOffered) and elsewhere.placed_elsewhere
    assert elsewhere.to_number == "sip:ada@example.com"
    by_state = told("call.initiated", numbers, state=DIALLED)
    by_query = told("call.initiated", numbers, query="call=c-1&secret=s-1")
    for ours in (by_state, by_query):
        assert isinstance(ours, UnknownEvent)
        assert (ours.call_id, ours.call_secret) == ("c-1", "s-1")


@pytest.mark.parametrize(
    ("caller", "told_as"),
    [
        ("+15550002222", "+15550002222"),
        ("anonymous", None),
        ("Restricted", None),
        ("", None),
        (None, None),
        ("+1555000２２２２", None),
    ],
)
def test_a_caller_is_known_by_an_exact_number_only(caller: str | None, told_as: str | None) -> None:
    event = told("call.initiated", {"direction": "incoming", "from": caller, "to": "+15550001111"})
    assert isinstance(event, CallOffered)
    assert event.from_number == told_as


@pytest.mark.parametrize(
    ("kind", "word", "result"),
    [
        ("detection", "human", MachineResult.HUMAN),
        ("detection", "machine", MachineResult.MACHINE),
        ("detection", "not_sure", MachineResult.UNKNOWN),
        ("premium.detection", "human_residence", MachineResult.HUMAN),
        ("premium.detection", "human_business", MachineResult.HUMAN),
        ("premium.detection", "machine", MachineResult.MACHINE),
        ("premium.detection", "silence", MachineResult.UNKNOWN),
        ("premium.detection", "fax_detected", MachineResult.FAX),
        ("premium.detection", "not_sure", MachineResult.UNKNOWN),
        ("greeting", "beep_detected", MachineResult.BEEP),
        ("greeting", "ended", MachineResult.BEEP),
        ("greeting", "not_sure", MachineResult.UNKNOWN),
        ("premium.greeting", "beep_detected", MachineResult.BEEP),
        ("premium.greeting", "no_beep_detected", MachineResult.BEEP),
        ("premium.greeting", "prompt_ended", MachineResult.BEEP),
    ],
)
def test_all_kinds_of_detection_are_understood(kind: str, word: str, result: MachineResult) -> None:
    event = told(f"call.machine.{kind}.ended", {"result": word})
    assert isinstance(event, MachineDetected)
    assert event.result is result


@pytest.mark.parametrize("prefix", ["", "call."])
@pytest.mark.parametrize("change", list(StreamChange))
def test_stream_events_come_with_and_without_their_prefix(
    prefix: str, change: StreamChange
) -> None:
    event = told(f"{prefix}streaming.{change}", {"failure_reason": "connection_failed"})
    assert isinstance(event, StreamChanged)
    assert (event.change, event.detail) == (change, "connection_failed")


def test_a_transcript_may_stand_in_the_payload_itself() -> None:
    event = told("call.transcription", {"transcript": "Hello.", "is_final": False})
    assert isinstance(event, SpeechHeard)
    assert (event.text, event.is_final, event.turn) == ("Hello.", False, None)


def test_our_own_voice_is_not_the_caller() -> None:
    ours = {"transcript": "Hello.", "transcription_track": "outbound"}
    assert isinstance(told("call.transcription", {"transcription_data": ours}), UnknownEvent)


def test_the_callback_tells_the_call_before_the_state_does() -> None:
    event = told("call.answered", query="call=c-2&secret=s-2", state=DIALLED)
    assert isinstance(event, CallAnswered)
    assert (event.call_id, event.call_secret) == ("c-2", "s-2")


def test_a_state_of_somebody_else_is_no_state_of_ours() -> None:
    for text in (None, 7, "", "%%%", "aGF2ZSBhIG5pY2UgZGF5ID1d", "e30=", "WzFd", "é"):
        assert read_state(text) is None


@given(st.builds(ClientState, call=st.text(), secret=st.none() | st.text(), up=st.booleans()))
def test_a_state_is_read_as_it_was_written(state: ClientState) -> None:
    assert read_state(write_state(state)) == state


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data":null}',
        b'{"data":{"event_type":7,"id":"1","payload":{}}}',
        b'{"data":{"event_type":"call.answered","payload":{"call_control_id":"v3:x"}}}',
        b'{"data":{"event_type":"call.answered","id":"1","payload":{}}}',
        b'{"data":{"event_type":"call.initiated","id":"1","payload":{"call_control_id":"x"}}}',
        b'{"data":{"event_type":"call.dtmf.received","id":"1","payload":{"call_control_id":"x"}}}',
        b'{"data":{"event_type":"call.transcription","id":"1","payload":{"call_control_id":"x"}}}',
        b'\xff{"data":1}',
    ],
)
def test_what_lacks_something_is_malformed(body: bytes) -> None:
    with pytest.raises(WebhookMalformed):
        event_of(read(webhook(body)))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=5,
)
KINDS = ["call.initiated", "call.hangup", "call.speak.ended", "call.transcription", "x"]
FIELDS = ["direction", "hangup_cause", "status", "transcription_data", "from", "digit", "result"]


@given(
    kind=st.sampled_from([*KINDS, "call.dtmf.received", "call.recording.saved"]),
    payload=st.dictionaries(st.sampled_from([*FIELDS, "recording_urls"]), json_values),
)
def test_whatever_stands_in_a_field_is_read_or_malformed(kind: str, payload: Any) -> None:
    try:
        event = told(kind, payload)
    except WebhookMalformed:
        return
    assert event.carrier_call_id == "v3:x"
