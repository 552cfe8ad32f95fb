"""Does the live double behave as Twilio does? Its webhooks, documents and errors, at the wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import anyio
import pytest

from voicecall_conformance import RestAnswer
from voicecall_twilio.network.account import ROOT
from voicecall_twilio.network.letters import read_overrides
from voicecall_twilio.network.phrases import OUR_NUMBER, SOMEBODY

pytestmark = pytest.mark.anyio

Doubled = Any
PUBLIC = "https://gateway.example:8443"
CALLS = f"{ROOT}/Calls"
XML = {"content-type": "text/xml"}
EVENTS = ["initiated", "ringing", "answered", "completed"]


def document(*verbs: str) -> RestAnswer:
    return RestAnswer(body=f"<Response>{''.join(verbs)}</Response>".encode(), headers=XML)


# -- callbacks


async def test_the_four_states_of_a_call_are_told_in_order(doubled: Doubled) -> None:
    async with doubled() as double:
        double.gateway.answers["/v"] = [document("<Pause length='2'/>", "<Hangup/>")]
        leg = await double.dial(
            Url=f"{PUBLIC}/v", StatusCallback=f"{PUBLIC}/s", StatusCallbackEvent=EVENTS
        )
        await double.told(leg)
        told = double.gateway.fields("/s")
        states = [(each["SequenceNumber"], each["CallStatus"]) for each in told]
        names = ("initiated", "ringing", "in-progress", "completed")
        assert states == [(str(number), name) for number, name in enumerate(names)]
        assert {each["CallbackSource"] for each in told} == {"call-progress-events"}
        assert int(told[3]["CallDuration"]) >= 2
        assert told[3]["Duration"] == "1"
        assert told[3]["SipResponseCode"] == "200"
        (asked,) = double.gateway.fields("/v")
        assert (asked["CallStatus"], asked["Direction"]) == ("in-progress", "outbound-api")
        assert len(set(double.gateway.tokens("/s"))) == 4


@pytest.mark.parametrize(
    ("outcome", "status", "code"),
    [
        ("busy", "busy", "486"),
        ("reject", "busy", "603"),
        ("no-answer", "no-answer", "487"),
        ("unreachable", "failed", "404"),
    ],
)
async def test_the_end_of_a_call_that_nobody_answers(
    doubled: Doubled, outcome: str, status: str, code: str
) -> None:
    async with doubled(outcome=outcome) as double:
        leg = await double.dial(Url=f"{PUBLIC}/v", StatusCallback=f"{PUBLIC}/s", Timeout=10)
        await double.told(leg)
        (last,) = double.gateway.fields("/s")
        assert (last["CallStatus"], last["SipResponseCode"]) == (status, code)
        assert not double.gateway.fields("/v")


async def test_the_time_limit_of_an_order_ends_the_call(doubled: Doubled) -> None:
    async with doubled() as double:
        double.gateway.answers["/v"] = [document("<Pause length='600'/>")]
        leg = await double.dial(
            Url=f"{PUBLIC}/v", StatusCallback=f"{PUBLIC}/s", TimeLimit=5, StatusCallbackMethod="GET"
        )
        await double.told(leg)
        (request,) = [each for each in double.gateway.requests if each.path == "/s"]
        assert (request.method, request.body) == ("GET", b"")
        query = dict(parse_qsl(request.query))
        assert query["CallStatus"] == "completed"
        assert int(query["CallDuration"]) < 60


@pytest.mark.parametrize(
    ("mode", "outcome", "answered_by"),
    [
        ("Enable", "answer", "human"),
        ("Enable", "voicemail", "machine_start"),
        ("DetectMessageEnd", "answer", "human"),
        ("DetectMessageEnd", "voicemail", "machine_end_beep"),
    ],
)
@pytest.mark.parametrize("apart", ["true", "false"])
async def test_who_answered_is_told(
    doubled: Doubled, mode: str, outcome: str, answered_by: str, apart: str
) -> None:
    steps = [{"wait": 5000}, {"beep": True}, {"wait": 3000}, {"hangUp": True}]
    async with doubled(outcome=outcome, steps=steps) as double:
        double.gateway.answers["/v"] = [document("<Pause length='60'/>")]
        leg = await double.dial(
            Url=f"{PUBLIC}/v",
            MachineDetection=mode,
            AsyncAmd=apart,
            AsyncAmdStatusCallback=f"{PUBLIC}/amd",
        )
        await double.told(leg)
        apart_told, (asked,) = double.gateway.fields("/amd"), double.gateway.fields("/v")
        assert [each["AnsweredBy"] for each in apart_told] == [answered_by] * (apart == "true")
        assert asked.get("AnsweredBy") == (None if apart == "true" else answered_by)
        found = apart_told[0] if apart_told else asked
        assert int(found["MachineDetectionDuration"]) >= 1000


# -- documents


async def test_a_url_is_asked_again_as_its_fragment_says_with_one_token(doubled: Doubled) -> None:
    async with doubled() as double:
        failed, found = RestAnswer(status=503), document("<Hangup/>")
        double.gateway.answers["/v"] = [failed, failed, found]
        leg = await double.dial(Url=f"{PUBLIC}/v?a=%20b#rc=2&rp=5xx,ct,rt&ct=2000&rt=4500")
        await double.told(leg)
        assert len(double.gateway.fields("/v")) == 3
        assert len(set(double.gateway.tokens("/v"))) == 1


async def test_an_error_is_not_asked_again_but_leads_to_the_fall_back(doubled: Doubled) -> None:
    async with doubled() as double:
        double.gateway.answers |= {
            "/v": [RestAnswer(status=503)],
            "/f": [document("<Play digits='1'/>", "<Hangup/>")],
        }
        leg = await double.dial(Url=f"{PUBLIC}/v", FallbackUrl=f"{PUBLIC}/f")
        await double.told(leg)
        assert len(double.gateway.fields("/v")) == 1
        (asked,) = double.gateway.fields("/f")
        assert (asked["ErrorCode"], asked["ErrorUrl"]) == ("11200", f"{PUBLIC}/v")
        assert [line.text for line in leg.journal.lines if line.kind == "digits"] == ["1"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (RestAnswer(body=b"<Response/>", headers={"content-type": "text/html"}), "12300"),
        (RestAnswer(body=b"<Response>", headers=XML), "12100"),
        (document("<Sing/>"), "12200"),
        (document("<Say color='red'>Hello</Say>"), "12200"),
        (document("<Connect><Stream url='wss://a.example/b?c=d'/></Connect>"), "31923"),
    ],
)
async def test_a_document_that_twilio_does_not_take_is_a_fault(
    doubled: Doubled, answer: RestAnswer, code: str
) -> None:
    async with doubled() as double:
        double.gateway.answers["/v"] = [answer]
        leg = await double.dial(Url=f"{PUBLIC}/v", FallbackUrl=f"{PUBLIC}/f#rc=0")
        await double.told(leg)
        (asked,) = double.gateway.fields("/f")
        assert asked["ErrorCode"] == code
        assert double.network.faults[0].startswith(code)


async def test_a_gather_without_an_answer_falls_through_and_keys_go_to_its_action(
    doubled: Doubled,
) -> None:
    steps = [{"wait": 4000}, {"press": "12#"}, {"wait": 60_000}]
    async with doubled(steps=steps) as double:
        gather = f"<Gather action='{PUBLIC}/g' timeout='2'/>"
        double.gateway.answers |= {
            "/v": [document(gather, f"<Redirect>{PUBLIC}/again</Redirect>")],
            "/again": [document(f"<Gather action='{PUBLIC}/g' timeout='5'/>")],
            "/g": [document("<Hangup/>")],
        }
        await double.told(await double.dial(Url=f"{PUBLIC}/v"))
        (again,), (gathered,) = double.gateway.fields("/again"), double.gateway.fields("/g")
        assert "Digits" not in again
        assert (gathered["Digits"], gathered["FinishedOnKey"]) == ("12", "#")


async def test_an_update_replaces_the_document_that_runs(doubled: Doubled) -> None:
    async with doubled() as double:
        double.gateway.answers |= {
            "/v": [document("<Pause length='600'/>", f"<Redirect>{PUBLIC}/never</Redirect>")],
            "/u": [document("<Play digits='9'/>", "<Hangup/>")],
        }
        leg = await double.dial(Url=f"{PUBLIC}/v")
        path = f"{CALLS}/{leg.id}.json"
        too_early = await double.post(path, {"Url": f"{PUBLIC}/u"})
        assert (too_early[0], too_early[1]["code"]) == (400, 21220)
        while not double.gateway.fields("/v"):
            await anyio.lowlevel.checkpoint()
        status, call = await double.post(path, {"Url": f"{PUBLIC}/u"})
        assert (status, call["status"]) == (200, "in-progress")
        await double.told(leg)
        assert [line.text for line in leg.journal.lines if line.kind == "digits"] == ["9"]
        assert not double.gateway.fields("/never")


async def test_dialling_somebody_else_comes_back_to_its_action(doubled: Doubled) -> None:
    async with doubled() as double:
        double.gateway.answers |= {
            "/v": [document(f"<Dial action='{PUBLIC}/d'>+15550003333</Dial>")],
            "/d": [document("<Hangup/>")],
        }
        leg = await double.dial(Url=f"{PUBLIC}/v")
        await double.told(leg)
        (dialled,) = double.gateway.fields("/d")
        assert (leg.transferred_to, dialled["DialCallStatus"]) == ("+15550003333", "completed")


# -- callers


@pytest.mark.parametrize(("reason", "status"), [("busy", "busy"), ("rejected", "no-answer")])
async def test_a_caller_who_is_rejected_is_not_answered(
    doubled: Doubled, reason: str, status: str
) -> None:
    async with doubled() as double:
        double.gateway.answers["/voice"] = [document(f"<Reject reason='{reason}'/>")]
        leg = double.network.dial_in(SOMEBODY)
        await double.told(leg)
        (asked,), (last,) = double.gateway.fields("/voice"), double.gateway.fields("/voice/status")
        assert (asked["CallStatus"], asked["Direction"]) == ("ringing", "inbound")
        assert (asked["From"], asked["Called"]) == (SOMEBODY, OUR_NUMBER)
        assert (last["CallStatus"], leg.answered) == (status, False)


async def test_a_number_without_a_status_callback_tells_nobody_of_the_end(doubled: Doubled) -> None:
    async with doubled() as double:
        double.network.number.status_callback = ""
        double.gateway.answers["/voice"] = [document("<Pause/>", "<Hangup/>")]
        leg = double.network.dial_in(SOMEBODY)
        await double.told(leg)
        assert leg.answered
        assert [each.path for each in double.gateway.requests] == ["/voice"]


# -- the REST API


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"Colour": "red"}, 20001),
        ({"From": "+15550009999"}, 21210),
        ({"To": "somebody"}, 21211),
        ({"Timeout": "601"}, 20001),
        ({"Twiml": "<Response/>"}, 21205),
        ({"Url": f"{PUBLIC}/v#rc=9"}, 21205),
        ({"Url": "https://my_host.example/v"}, 21205),
        ({"AsyncAmd": "True", "MachineDetection": "Enable"}, 20001),
    ],
)
async def test_an_order_that_twilio_refuses(
    doubled: Doubled, fields: Mapping[str, str], code: int
) -> None:
    async with doubled() as double:
        order = {"To": SOMEBODY, "From": OUR_NUMBER, "Url": f"{PUBLIC}/v", **fields}
        status, error = await double.post(f"{CALLS}.json", order)
        assert (status, error["code"], error["status"]) == (400, code, 400)
        assert error["more_info"].endswith(f"/{code}")
        assert not double.network.legs


async def test_wrong_credentials_and_unknown_calls_are_errors(doubled: Doubled) -> None:
    async with doubled() as double:
        status, error = await double.post(f"{CALLS}.json", {}, token="another")
        assert (status, error["code"]) == (401, 20003)
        status, error = await double.post(f"{CALLS}/CA1.json", {"Status": "completed"})
        assert (status, error["code"]) == (404, 20404)
        status, error = await double.post(f"{CALLS}.json", {})
        assert (status, error["code"]) == (400, 21211)


@pytest.mark.parametrize("fragment", ["rc=6", "ct=50", "rp=3xx", "speed=9", "rc", "tt=15001"])
def test_a_fragment_that_says_nothing_to_twilio_is_refused(fragment: str) -> None:
    with pytest.raises(ValueError, match="."):
        read_overrides(fragment)
