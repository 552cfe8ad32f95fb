"""Is Plivo asked for exactly what it documents, in the order in which a call moves on?"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urldefrag

import anyio
import pytest

from voicecall.sdk import (
    CallId,
    CallOrder,
    CarrierCall,
    CarrierCallGone,
    CarrierCallId,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    Direction,
    EndCause,
    Ended,
    EndedBy,
    Live,
    SendDigits,
    Unknown,
)
from voicecall_plivo.double.orders import MAKE_CALL, read_order

ACCOUNT = "https://api.plivo.com/v1/Account/MAXXXXXXXXXXXXXXXXXX"
UUID = CarrierCallId("75b26856-8638-11e0-802a-6d99d509a2e3")
ORDER = CallOrder(
    call_id=CallId("4f0c9f5e"),
    secret="s3cret",
    to_number="+14155550123",
    from_number=None,
    ring_timeout_seconds=25.2,
    max_duration_seconds=240,
)
CALL = CarrierCall(
    call_id=ORDER.call_id,
    carrier_call_id=UUID,
    secret=ORDER.secret,
    direction=Direction.OUTBOUND,
    answered=True,
)


def place(provider: Any, answers: Any, **changes: Any) -> dict[str, Any]:
    """Dial; what Plivo was told."""
    answers.give(201, {"message": "call fired", "request_uuid": UUID})
    assert anyio.run(provider.place_call, replace(ORDER, **changes)) == UUID
    method, url, body = answers.asked[-1]
    assert (method, url) == ("POST", f"{ACCOUNT}/Call/")
    read_order(json.dumps(body).encode(), MAKE_CALL)
    fields: dict[str, Any] = body
    return fields


def test_an_order_has_digits_limits_and_every_callback(
    provider: Any, answers: Any, urls: Any
) -> None:
    told = place(provider, answers)
    callbacks = {name: told.pop(name) for name in list(told) if name.endswith("_url")}
    assert told == {
        "from": "14155550199",
        "to": "14155550123",
        "ring_timeout": 26,
        "time_limit": 240,
        "answer_method": "POST",
        "ring_method": "POST",
        "hangup_method": "POST",
        "fallback_method": "POST",
    }
    for name, url in callbacks.items():
        hook = name.removesuffix("_url")
        sent, retries = urldefrag(url)
        assert sent == urls.webhook(hook, callId=ORDER.call_id, secret=ORDER.secret)
        assert retries == "rc=3&rp=ct,rt,5xx"
    assert set(callbacks) == {"answer_url", "ring_url", "hangup_url", "fallback_url"}


def test_detection_is_asked_for_asynchronously(provider: Any, answers: Any) -> None:
    told = place(provider, answers, detect_machine=True, await_beep=True)
    assert told["machine_detection"] == "true"
    assert told["machine_detection_method"] == "POST"
    assert "/machine?" in told["machine_detection_url"]


def test_keys_go_with_the_order(provider: Any, answers: Any) -> None:
    assert place(provider, answers, dtmf_sequence="1w2W#")["send_digits"] == "1w2W#"


def test_the_longest_duration_is_plivos(provider: Any, answers: Any) -> None:
    told = place(provider, answers, max_duration_seconds=1e9, ring_timeout_seconds=0)
    assert (told["time_limit"], told["ring_timeout"]) == (86_400, 1)


def test_another_origin_keeps_the_paths(make_provider: Any, answers: Any) -> None:
    provider = make_provider(apiBaseUrl="http://127.0.0.1:9000/")
    answers.give(201, {"request_uuid": UUID})
    anyio.run(provider.place_call, ORDER)
    assert answers.asked[0][1] == "http://127.0.0.1:9000/v1/Account/MAXXXXXXXXXXXXXXXXXX/Call/"


def test_an_order_without_an_id_may_have_been_dialled(provider: Any, answers: Any) -> None:
    answers.give(201, {"message": "call fired"})
    with pytest.raises(CarrierUnreachable):
        anyio.run(provider.place_call, ORDER)
    assert len(answers.asked) == 1


def test_a_broken_plivo_is_asked_once(provider: Any, answers: Any) -> None:
    answers.give(503)
    with pytest.raises(CarrierUnreachable):
        anyio.run(provider.place_call, ORDER)
    assert len(answers.asked) == 1


def test_who_gets_no_answer_learns_what_may_happen_nevertheless(
    provider: Any, answers: Any
) -> None:
    def cut() -> None:
        raise CarrierUnreachable("POST to api.plivo.com failed (ReadError); check the network")

    answers.before = cut
    with pytest.raises(CarrierUnreachable, match="may dial nevertheless.*check the network"):
        anyio.run(provider.place_call, ORDER)
    assert len(answers.asked) == 1


def test_a_refusal_keeps_plivos_words_without_numbers(provider: Any, answers: Any) -> None:
    answers.give(400, {"error": {"to": ["+1 (415) 555-0123 is not valid\x1b[0m"]}})
    with pytest.raises(CarrierRejected) as caught:
        anyio.run(provider.place_call, ORDER)
    assert "is not valid" in str(caught.value) and "555" not in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(("told", "seconds"), [("3", 3.0), ("soon", None), ("٣", None)])
def test_the_wait_that_plivo_asks_for_is_told(
    provider: Any, answers: Any, told: str, seconds: float | None
) -> None:
    answers.give(429, {"error": "rate limit"}, retry_after=told)
    with pytest.raises(CarrierRateLimited) as caught:
        anyio.run(provider.place_call, ORDER)
    assert caught.value.retry_after == seconds


def test_an_answered_call_is_ended_with_one_request(provider: Any, answers: Any) -> None:
    answers.give(204)
    anyio.run(provider.hang_up, CALL)
    assert answers.asked == [("DELETE", f"{ACCOUNT}/Call/{UUID}/", None)]


def test_a_call_that_rings_is_ended_by_its_order_and_else_by_itself(
    provider: Any, answers: Any
) -> None:
    answers.give(404, {"error": "not found"})
    answers.give(204)
    anyio.run(provider.hang_up, replace(CALL, answered=False))
    assert [asked[:2] for asked in answers.asked] == [
        ("DELETE", f"{ACCOUNT}/Request/{UUID}/"),
        ("DELETE", f"{ACCOUNT}/Call/{UUID}/"),
    ]


def test_an_inbound_call_has_no_order(provider: Any, answers: Any) -> None:
    answers.give(404, {"error": "not found"})
    call = replace(CALL, answered=False, direction=Direction.INBOUND)
    anyio.run(provider.hang_up, call)
    assert [asked[1] for asked in answers.asked] == [f"{ACCOUNT}/Call/{UUID}/"]


def test_a_call_whose_id_is_unknown_is_left_alone(provider: Any, answers: Any) -> None:
    unknown = replace(CALL, carrier_call_id=None)
    anyio.run(provider.hang_up, unknown)
    assert anyio.run(provider.status, unknown) == Unknown()
    with pytest.raises(CarrierCallGone):
        anyio.run(provider.command, unknown, [SendDigits(digits="1")])
    assert answers.asked == []


def test_a_call_is_looked_for_where_it_may_be(provider: Any, answers: Any) -> None:
    for status, body in (
        (404, {"error": "not found"}),
        (404, {"error": "not found"}),
        (
            200,
            {
                "hangup_cause_code": 3010,
                "hangup_cause_name": "Busy Line",
                "hangup_source": "Callee",
            },
        ),
    ):
        answers.give(status, body)
    status = anyio.run(provider.status, replace(CALL, answered=False))
    busy = Ended(cause=EndCause.BUSY, ended_by=EndedBy.CALLEE, detail="Busy Line (3010)")
    assert status == busy
    assert [asked[1] for asked in answers.asked] == [
        f"{ACCOUNT}/Call/{UUID}/?status=queued",
        f"{ACCOUNT}/Call/{UUID}/?status=live",
        f"{ACCOUNT}/Call/{UUID}/",
    ]


@pytest.mark.parametrize(
    ("told", "answered"), [("in-progress", True), ("ringing", False), ("queued", False)]
)
def test_a_live_call_is_answered_when_it_is_in_progress(
    provider: Any, answers: Any, told: str, answered: bool
) -> None:
    answers.give(200, {"call_status": told})
    assert anyio.run(provider.status, CALL) == Live(answered=answered)


def test_a_queued_call_is_live(provider: Any, answers: Any) -> None:
    answers.give(200, {"call_status": "queued"})
    status = anyio.run(provider.status, replace(CALL, answered=False))
    assert status == Live(answered=False)


@pytest.mark.parametrize(
    ("answered", "cause"), [(True, EndCause.COMPLETED), (False, EndCause.FAILED)]
)
def test_a_call_that_plivo_forgot_is_over(
    provider: Any, answers: Any, answered: bool, cause: EndCause
) -> None:
    for _ in range(3):
        answers.give(404, {"error": "not found"})
    status = anyio.run(provider.status, replace(CALL, answered=answered))
    assert isinstance(status, Ended) and status.cause is cause


def test_keys_alone_are_sent_beside_what_the_call_does(provider: Any, answers: Any) -> None:
    answers.give(202, {"message": "digits sent"})
    anyio.run(provider.command, CALL, [SendDigits(digits="1w2#")])
    body = {"digits": "1w2#", "leg": "aleg"}
    assert answers.asked == [("POST", f"{ACCOUNT}/Call/{UUID}/DTMF/", body)]
