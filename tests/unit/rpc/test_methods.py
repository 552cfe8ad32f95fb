"""The one table: what each method takes, what it answers, and the exact words of its refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest

from voicecall.errors import CallNotFound, InvalidRequest, PolicyRefused, VoicecallError
from voicecall.rpc.errands import Errands
from voicecall.rpc.methods import METHODS, RpcContext, invoke

TALKS, STAYS, REFUSED = "+15551230001", "+15551230003", "+15551230006"


class Door:
    """The table over the scripted service of `gateway`."""

    def __init__(self, gateway: Any) -> None:
        self.service = gateway.service
        self.portal = gateway.portal
        self._context = RpcContext(service=self.service, errands=Errands(gateway.errands))

    def ask(self, method: str, raw: object = None) -> Any:
        answer = self.portal.call(invoke, self._context, method, raw)
        METHODS[method].result.model_validate_json(json.dumps(answer), strict=True)
        return answer

    def refusal(self, method: str, raw: object = None) -> str:
        with pytest.raises(VoicecallError) as caught:
            self.ask(method, raw)
        return caught.value.message

    def place(self, to: str) -> str:
        return str(self.ask("voicecall.start", {"to": to})["callId"])


@pytest.fixture
def door(gateway: Any) -> Door:
    return Door(gateway)


def test_the_table_has_every_method_of_the_interface() -> None:
    assert set(METHODS) == {
        "voicecall.initiate",
        "voicecall.start",
        "voicecall.continue",
        "voicecall.continue.start",
        "voicecall.continue.result",
        "voicecall.speak",
        "voicecall.dtmf",
        "voicecall.end",
        "voicecall.status",
        "voicecall.history",
        "voicecall.latency",
        "voicecall.reload",
        "voicecall.policy.explain",
        "voicecall.doNotCall.list",
        "voicecall.doNotCall.add",
        "voicecall.doNotCall.remove",
        "voicecall.pairing.list",
        "voicecall.pairing.approve",
        "voicecall.pairing.revoke",
        "health",
    }


@pytest.mark.parametrize(
    ("method", "raw", "words"),
    [
        ("voicecall.initiate", {}, "message required"),
        ("voicecall.initiate", {"message": "  ", "to": STAYS}, "message required"),
        ("voicecall.initiate", {"message": 5, "to": STAYS}, "message required"),
        ("voicecall.initiate", {"message": "hi"}, "to required"),
        ("voicecall.start", {"message": "hi"}, "to required"),
        ("voicecall.continue", {"callId": "x"}, "callId and message required"),
        ("voicecall.continue.start", {"message": "x"}, "callId and message required"),
        ("voicecall.continue.result", {}, "operationId required"),
        ("voicecall.continue.result", {"operationId": "gone"}, "Operation not found"),
        ("voicecall.speak", None, "callId and message required"),
        ("voicecall.speak", {"callId": "x", "message": "y"}, "Call not found"),
        ("voicecall.dtmf", {"callId": "x"}, "callId and digits required"),
        ("voicecall.end", {"callId": " "}, "callId required"),
        ("voicecall.end", {"callId": "x"}, "Call not found"),
        ("voicecall.start", {"to": STAYS, "mode": "shout"}, "mode: must be one of"),
        ("voicecall.initiate", {"message": "hi", "wait": "yes"}, "wait: "),
        ("voicecall.end", {"callId": "x", "from": "y"}, "unknown parameter 'from'; known: callId"),
        ("voicecall.history", {"limit": 0}, "limit: "),
        ("health", {"x": 1}, "unknown parameter 'x'; known: none"),
        ("voicecall.end", ["x"], "params must be a JSON object"),
        ("voicecall.fly", {}, "unknown method 'voicecall.fly'"),
    ],
)
def test_a_bad_request_is_refused_in_these_words(
    door: Door, method: str, raw: object, words: str
) -> None:
    assert door.refusal(method, raw).startswith(words)


def test_a_refused_value_is_never_repeated(door: Door) -> None:
    assert "hunter2" not in door.refusal("voicecall.start", {"to": STAYS, "mode": "hunter2"})


def test_texts_are_trimmed(door: Door) -> None:
    call_id = door.place(f"  {STAYS} ")
    assert door.ask("voicecall.speak", {"callId": f" {call_id} ", "message": " hello "})
    assert door.service.said == ["hello"]


def test_a_blank_optional_text_is_an_absent_one(door: Door) -> None:
    answer = door.ask("voicecall.start", {"to": STAYS, "mode": " ", "sessionKey": ""})
    assert answer["initiated"] is True


def test_initiate_with_wait_answers_with_the_outcome(door: Door) -> None:
    answer = door.ask("voicecall.initiate", {"to": TALKS, "message": "hi", "wait": True})
    assert answer["initiated"] is True
    assert answer["call"]["endReason"] == "hangup-user"


def test_continue_answers_with_the_transcript(door: Door) -> None:
    wish = {"callId": door.place(STAYS), "message": "is it ready?"}
    assert door.ask("voicecall.continue", wish) == {"success": True, "transcript": "yes please"}


def test_a_started_continue_is_pending_until_the_person_answers(door: Door) -> None:
    wish = {"callId": door.place(STAYS), "message": "think about it"}
    operation = door.ask("voicecall.continue.start", wish)
    assert door.ask("voicecall.continue.result", operation) == {"status": "pending"}
    door.portal.call(door.service.person_answers.set)
    while (answer := door.ask("voicecall.continue.result", operation)) == {"status": "pending"}:
        pass
    assert answer == {"success": True, "transcript": "yes please"}
    assert door.ask("voicecall.continue.result", operation) == answer


def test_a_started_continue_on_an_unknown_call_fails_at_once(door: Door) -> None:
    with pytest.raises(CallNotFound):
        door.ask("voicecall.continue.start", {"callId": "nobody", "message": "hi"})


def test_digits_are_sent_and_ending_twice_is_not_an_error(door: Door) -> None:
    call_id = door.place(STAYS)
    assert door.ask("voicecall.dtmf", {"callId": call_id, "digits": "1w2#"}) == {"success": True}
    assert door.service.keys == ["1w2#"]
    assert door.ask("voicecall.end", {"callId": call_id}) == {"success": True}
    assert door.ask("voicecall.end", {"callId": call_id}) == {"success": True}


def test_status_finds_by_either_id_and_tells_that_it_found_nothing(door: Door) -> None:
    call_id = door.place(STAYS)
    for wish in ({"callId": call_id}, {"sid": call_id}, {"callId": f"v3:x/{call_id}"}):
        assert door.ask("voicecall.status", wish)["call"]["callId"] == call_id
    assert door.ask("voicecall.status", {"callId": "nobody"}) == {"found": False}


def test_status_without_an_id_lists_live_calls_only(door: Door) -> None:
    door.place(TALKS)
    live = door.place(STAYS)
    assert [call["callId"] for call in door.ask("voicecall.status")["calls"]] == [live]


def test_history_is_newest_first_and_bounded(door: Door) -> None:
    ids = [door.place(TALKS) for _ in range(3)]
    calls = door.ask("voicecall.history", {"limit": 2})["calls"]
    assert [call["callId"] for call in calls] == [ids[2], ids[1]]


def test_latency_counts_every_turn_once(door: Door) -> None:
    door.place(TALKS)
    report = door.ask("voicecall.latency")
    assert report["recordsScanned"] == 1
    assert report["turnLatency"]["count"] == 1
    assert report["turnLatency"]["p95Ms"] == 640
    assert report["listenWait"]["avgMs"] == 200


def test_what_the_service_refuses_reaches_the_caller(door: Door) -> None:
    with pytest.raises(PolicyRefused):
        door.ask("voicecall.start", {"to": REFUSED})


def test_an_unknown_field_beside_a_missing_one_is_named_first(door: Door) -> None:
    with pytest.raises(InvalidRequest, match="unknown parameter 'text'"):
        door.ask("voicecall.initiate", {"text": "hi"})
