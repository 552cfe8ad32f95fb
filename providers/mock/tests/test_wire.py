"""Are the wire formats what both sides think they are? Documents, signatures, frames."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    Answer,
    CallEnded,
    CarrierCallId,
    ClearAudio,
    EndCause,
    Gather,
    HangUp,
    MediaAudio,
    MediaError,
    MediaFault,
    MediaMark,
    MediaStarted,
    OpenStream,
    Pause,
    PlaceMark,
    Play,
    PlayAudio,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    SignatureInvalid,
    StreamToken,
    Transfer,
    TurnToken,
    UnknownEvent,
    WebhookMalformed,
    WebhookRequest,
    WebhookStale,
)
from voicecall_mock import documents, media, webhooks

KEY = "a-key-of-the-network"
URL = "http://127.0.0.1:3334/voice/webhook/call?callId=1&secret=s%2F"
NOW = 1_760_000_000
TEXT = st.text(st.characters(exclude_categories=["Cs"]))

INSTRUCTIONS = st.one_of(
    st.just(Answer()),
    st.just(HangUp()),
    st.builds(Reject, reason=st.sampled_from(RejectReason)),
    st.builds(Say, text=TEXT, voice=st.none() | TEXT, turn=st.none() | TEXT.map(TurnToken)),
    st.builds(Play, url=TEXT),
    st.builds(
        Gather,
        turn=TEXT.map(TurnToken),
        timeout_seconds=st.floats(0, 1e6),
        digits=st.booleans(),
        language=st.none() | TEXT,
    ),
    st.builds(OpenStream, url=TEXT, token=TEXT.map(StreamToken)),
    st.builds(SendDigits, digits=TEXT),
    st.builds(Transfer, to=TEXT),
    st.builds(Pause, seconds=st.floats(0, 1e6)),
)


def report(**changes: Any) -> bytes:
    values = {
        "deliveryId": "d1",
        "eventId": "e1",
        "kind": "call.ringing",
        "callId": "MC1",
        "occurredAt": NOW,
    }
    return json.dumps({**values, **changes}).encode()


def request(body: bytes, *, signature: str | None = None, **changes: Any) -> WebhookRequest:
    if signature is None:
        signature = webhooks.sign(key=KEY, at=NOW, method="POST", url=URL, body=body)
    values: dict[str, Any] = {
        "method": "POST",
        "url": URL,
        "hook": "call",
        "query_string": URL.partition("?")[2],
        "headers": ((webhooks.SIGNATURE_HEADER, signature),),
        "body": body,
        "received_at": float(NOW),
    }
    return WebhookRequest(**{**values, **changes})


@given(st.lists(INSTRUCTIONS, max_size=4))
def test_documents_read_back_as_they_were_rendered(instructions: list[Any]) -> None:
    assert list(documents.read(documents.render(instructions))) == instructions


@given(st.binary() | TEXT.map(str.encode))
def test_anything_else_is_no_document(junk: bytes) -> None:
    try:
        read = documents.read(junk)
    except ValueError:
        return
    assert not read


@pytest.mark.parametrize(
    "document",
    [
        '{"instructions": [{"verb": "dance"}]}',
        '{"instructions": [{"verb": "say", "text": "a", "loud": true}]}',
        '{"instructions": [{"verb": "say"}]}',
        '{"instructions": [{"verb": "say", "text": 1}]}',
        '{"instructions": [{"verb": ["say"], "text": "a"}]}',
        '{"instructions": [], "more": []}',
    ],
)
def test_a_document_with_a_mistake_is_refused(document: str) -> None:
    with pytest.raises(ValueError):
        documents.read(document.encode())


@given(st.binary(max_size=200))
def test_what_was_signed_is_accepted_and_nothing_else(body: bytes) -> None:
    webhooks.verify(request(body), key=KEY)
    signature = webhooks.sign(key=KEY, at=NOW, method="POST", url=URL, body=body)
    for changed in (
        {"body": body + b"x"},
        {"url": URL + "x"},
        {"method": "GET"},
        {"url": URL.replace("http", "https")},
    ):
        with pytest.raises(SignatureInvalid):
            given = {"body": body, **changed}
            webhooks.verify(request(signature=signature, **given), key=KEY)
    with pytest.raises(SignatureInvalid):
        webhooks.verify(request(body), key="another")


def test_bytes_cannot_move_from_the_body_into_the_url() -> None:
    signature = webhooks.sign(key=KEY, at=NOW, method="POST", url=URL, body=b"x{}")
    with pytest.raises(SignatureInvalid):
        webhooks.verify(request(b"{}", signature=signature, url=URL + "x"), key=KEY)


@given(TEXT)
def test_a_strange_signature_header_is_refused_not_choked_on(header: str) -> None:
    with pytest.raises(SignatureInvalid):
        webhooks.verify(request(b"{}", signature=header or "t=1"), key=KEY)


def test_one_right_signature_among_several_is_enough() -> None:
    good = webhooks.sign(key=KEY, at=NOW, method="POST", url=URL, body=b"{}")
    time, _, right = good.partition(",")
    webhooks.verify(request(b"{}", signature=f"{time},v1=00,{right}"), key=KEY)
    with pytest.raises(SignatureInvalid):
        webhooks.verify(request(b"{}", signature=f"{time},v1=00,v1=ff"), key=KEY)


def test_the_window_of_five_minutes_includes_its_borders() -> None:
    webhooks.verify(request(b"{}", received_at=NOW + 300.0), key=KEY)
    webhooks.verify(request(b"{}", received_at=NOW - 60.0), key=KEY)
    with pytest.raises(WebhookStale):
        webhooks.verify(request(b"{}", received_at=NOW + 301.0), key=KEY)
    with pytest.raises(WebhookStale):
        webhooks.verify(request(b"{}", received_at=NOW - 61.0), key=KEY)


def test_a_repeated_delivery_has_the_same_replay_key_whenever_it_was_signed() -> None:
    body = report()
    later = webhooks.sign(key=KEY, at=NOW + 5, method="POST", url=URL, body=body)
    first = webhooks.verify(request(body), key=KEY)
    again = webhooks.verify(request(body, signature=later), key=KEY)
    other = webhooks.verify(request(report(deliveryId="d2")), key=KEY)
    assert first.replay_key == again.replay_key != other.replay_key


def test_a_report_carries_our_own_call_id_and_secret() -> None:
    body = report(kind="call.ended", cause="busy", endedBy="callee")
    (event,) = webhooks.parse(webhooks.verify(request(body), key=KEY))
    assert isinstance(event, CallEnded)
    assert (event.call_id, event.call_secret, event.cause) == ("1", "s/", EndCause.BUSY)
    assert event.carrier_call_id == CarrierCallId("MC1")


def test_an_unknown_kind_is_an_event_of_its_own() -> None:
    (event,) = webhooks.parse(webhooks.verify(request(report(kind="call.sang")), key=KEY))
    assert isinstance(event, UnknownEvent) and event.kind == "call.sang"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"deliveryId": 1}',
        report(kind="call.ended"),
        report(kind="call.ended", cause="boredom"),
        report(kind="speech.heard"),
        report(kind="machine.detected", result="cat"),
    ],
)
def test_a_signed_report_with_a_mistake_is_malformed(body: bytes) -> None:
    with pytest.raises(WebhookMalformed):
        webhooks.parse(webhooks.verify(request(body), key=KEY))


def started() -> media.MockMedia:
    protocol = media.MockMedia()
    assert protocol.receive(media.write_frame(media.Connected())) == ()
    (event,) = protocol.receive(media.write_frame(media.Start(stream_id="MS1", call_id="MC1")))
    assert isinstance(event, MediaStarted) and event.carrier_call_id == "MC1"
    return protocol


@given(st.binary(max_size=400), TEXT)
def test_what_the_gateway_frames_is_what_the_network_reads(audio: bytes, name: str) -> None:
    protocol = started()
    sent = [
        media.read_gateway_frame(frame)
        for command in (PlayAudio(data=audio), PlaceMark(name=name), ClearAudio())
        for frame in protocol.send(command)
    ]
    assert sent == [
        media.Media(stream_id="MS1", payload=audio),
        media.Mark(stream_id="MS1", name=name),
        media.Clear(stream_id="MS1"),
    ]


@given(st.binary(max_size=400))
def test_what_the_network_frames_is_what_the_gateway_reads(audio: bytes) -> None:
    protocol = started()
    frame = media.write_frame(media.Media(stream_id="MS1", payload=audio))
    assert protocol.receive(frame) == (MediaAudio(data=audio),)
    mark = media.write_frame(media.Mark(stream_id="MS1", name="m"))
    assert protocol.receive(mark) == (MediaMark(name="m"),)


@given(st.binary() | TEXT)
def test_an_unreadable_frame_is_a_fault_and_the_stream_goes_on(junk: str | bytes) -> None:
    protocol = started()
    assert all(isinstance(event, MediaFault) for event in protocol.receive(junk))
    frame = media.write_frame(media.Media(stream_id="MS1", payload=b"a"))
    assert protocol.receive(frame) == (MediaAudio(data=b"a"),)


def test_audio_before_the_start_or_of_another_stream_is_a_fault() -> None:
    frame = media.write_frame(media.Media(stream_id="MS2", payload=b"a"))
    for protocol in (media.MockMedia(), started()):
        (event,) = protocol.receive(frame)
        assert isinstance(event, MediaFault)


def test_nothing_can_be_sent_before_the_start() -> None:
    with pytest.raises(MediaError):
        media.MockMedia().send(ClearAudio())


@pytest.mark.parametrize(
    "frame",
    [
        '{"event":"media","streamId":"MS1","payload":"AA==","track":"both"}',
        '{"event":"clear","streamId":"MS1","why":"?"}',
        '{"event":"media","streamId":"MS1"}',
        '{"event":"start","streamId":"MS1","callId":"MC1"}',
        '{"event":"media","streamId":"MS1","payload":"%%%"}',
        "not json",
        b"\x00",
    ],
)
def test_the_network_refuses_frames_that_no_gateway_may_send(frame: str | bytes) -> None:
    with pytest.raises(MediaError):
        media.read_gateway_frame(frame)
