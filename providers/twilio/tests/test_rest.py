"""What does Twilio get to see, on a real socket, through its own SDK?"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from voicecall.sdk import (
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierCallId,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreachable,
    EndCause,
    Ended,
    HangUp,
    HttpResponse,
    Live,
    Pause,
    ProviderContext,
    Say,
    TurnToken,
    Unknown,
    VerifiedWebhook,
)
from voicecall_conformance.borrowed import NoSpeech, StillClock, Urls
from voicecall_conformance.rig import SECRET, Rig
from voicecall_conformance.vendor import RestAnswer
from voicecall_twilio.config import TwilioConfig
from voicecall_twilio.links import RETRIES
from voicecall_twilio.provider import TwilioProvider
from voicecall_twilio.testing import ACCOUNT

pytestmark = pytest.mark.anyio


def form(rig: Rig, number: int = -1) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in parse_qsl(rig.requests[number].body.decode(), keep_blank_values=True):
        fields.setdefault(name, []).append(value)
    return fields


def callback(rig: Rig, hook: str, more: str = "") -> str:
    return f"{Urls.base}/{hook}?callId={rig.call_id}&secret={SECRET}{more}{RETRIES}"


async def test_an_order_has_exactly_these_fields(rig: Rig) -> None:
    await rig.place()
    request = rig.requests[0]
    assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["accept"] == "application/json"
    assert request.headers["user-agent"].startswith("twilio-python/")
    assert form(rig) == {
        "To": ["+15550002222"],
        "From": ["+15550001111"],
        "Url": [callback(rig, "voice")],
        "FallbackUrl": [callback(rig, "fallback")],
        "StatusCallback": [callback(rig, "status")],
        "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
        "Timeout": ["25"],
        "TimeLimit": ["240"],
    }


async def test_detection_runs_beside_the_call_and_reports_by_callback(rig: Rig) -> None:
    await rig.place(detect_machine=True)
    told = form(rig)
    assert (told["MachineDetection"], told["AsyncAmd"]) == (["Enable"], ["true"])
    assert told["AsyncAmdStatusCallback"] == [callback(rig, "amd")]
    await rig.place(detect_machine=True, await_beep=True)
    assert form(rig)["MachineDetection"] == ["DetectMessageEnd"]


async def test_digits_go_with_the_order(rig: Rig) -> None:
    await rig.place(dtmf_sequence="W12#")
    assert form(rig)["SendDigits"] == ["W12#"]


@pytest.mark.parametrize(
    ("digits", "detect", "escaped"), [("1w2#", True, "1w2%23"), ("1" * 33, False, "1" * 33)]
)
async def test_digits_that_twilio_would_not_send_are_for_the_first_document(
    digits: str, detect: bool, escaped: str, rig: Rig
) -> None:
    await rig.place(dtmf_sequence=digits, detect_machine=detect)
    assert "SendDigits" not in form(rig)
    assert form(rig)["Url"] == [callback(rig, "voice", f"&digits={escaped}")]


async def test_limits_are_kept_within_twilios(rig: Rig) -> None:
    await rig.place(ring_timeout_seconds=0.2, max_duration_seconds=10**6)
    assert (form(rig)["Timeout"], form(rig)["TimeLimit"]) == (["1"], ["86400"])
    await rig.place(ring_timeout_seconds=999, max_duration_seconds=59.2)
    assert (form(rig)["Timeout"], form(rig)["TimeLimit"]) == (["600"], ["60"])


async def test_hanging_up_completes_the_call(rig: Rig) -> None:
    call = await rig.place()
    await rig.provider.hang_up(call)
    assert rig.requests[-1].path.endswith(f"/Calls/{call.carrier_call_id}.json")
    assert form(rig) == {"Status": ["completed"]}


async def test_a_call_that_was_never_taken_needs_no_request(rig: Rig) -> None:
    call = rig.call()
    unplaced = type(call)(
        call_id=call.call_id,
        carrier_call_id=None,
        secret=call.secret,
        direction=call.direction,
        answered=False,
    )
    await rig.provider.hang_up(unplaced)
    assert await rig.provider.status(unplaced) == Unknown()
    with pytest.raises(CarrierCallGone):
        await rig.provider.command(unplaced, (HangUp(),))
    assert rig.requests == []


async def test_a_long_document_is_fetched(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    call = await rig.place()
    rig.harness.set_status(rig.carrier_call_id, Live())
    text = "Grüße & Küsse. " * 400
    await rig.provider.command(call, (Say(text=text, turn=TurnToken("t")), HangUp()))
    url = form(rig)["Url"][0]
    assert set(form(rig)) == {"Url"}
    requests = rig.harness.fetches(urls=rig.urls, at=0)
    assert requests[0].url == url.removesuffix(RETRIES)
    replies = [rig.provider.reply(rig.provider.verify(each), ()) for each in requests * 2]
    assert replies[0] == replies[1]
    *said, end = rig.harness.read(replies[0])
    assert "".join(each.text for each in said if isinstance(each, Say)) == text
    assert end == HangUp()


async def test_a_forgotten_document_keeps_the_call_up(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "Direction": "outbound-api"}
    reply = rig.provider.reply(webhook("document", fields, {"document": "gone"}), ())
    assert list(rig.harness.read(reply)) == [Pause(seconds=15)]


async def test_a_machine_that_answered_is_told_by_the_status(rig: Rig) -> None:
    call = await rig.place()
    rig.stand_in = RestAnswer(body=b'{"sid":"CA1","status":"completed","answered_by":"machine_x"}')
    assert await rig.provider.status(call) == Ended(cause=EndCause.VOICEMAIL, detail="completed")


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, 20003, CarrierAuthFailed),
        (403, 20003, CarrierAuthFailed),
        (404, 20404, CarrierRejected),
        (429, 20429, CarrierRateLimited),
        (400, 21211, CarrierRejected),
        (400, 21215, CarrierRejected),
        (400, 99999, CarrierRejected),
        (302, None, CarrierRejected),
        (500, None, CarrierUnreachable),
        (503, 20503, CarrierUnreachable),
    ],
)
async def test_a_refusal_to_dial_is_the_right_error(
    status: int, code: int | None, error: type[Exception], rig: Rig
) -> None:
    rig.stand_in = refusal(status, code, {"retry-after": "3"})
    with pytest.raises(error) as caught:
        await rig.place()
    assert str(code or status) in str(caught.value)
    assert "+1555" not in str(caught.value)
    if isinstance(caught.value, CarrierRateLimited):
        assert caught.value.retry_after == 3.0


@pytest.mark.parametrize(("status", "code"), [(404, 20404), (404, None), (400, 21220)])
async def test_a_change_to_a_call_that_is_gone_says_so(
    status: int, code: int | None, rig: Rig
) -> None:
    call = await rig.place()
    rig.stand_in = refusal(status, code)
    with pytest.raises(CarrierCallGone):
        await rig.provider.command(call, (HangUp(),))
    await rig.provider.hang_up(call)
    if status == 404:
        assert isinstance(await rig.provider.status(call), Ended)


async def test_an_rfc_9457_error_is_read_too(rig: Rig) -> None:
    body = b'{"type":"https://x","title":"No","status":429,"code":20429,"detail":"+15550002222"}'
    rig.stand_in = RestAnswer(status=429, body=body)
    with pytest.raises(CarrierRateLimited) as caught:
        await rig.place()
    assert (caught.value.code, caught.value.retry_after) == ("20429", None)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"sid": null}', b"{}"])
async def test_a_success_that_is_none_leaves_the_dial_unknown(body: bytes, rig: Rig) -> None:
    rig.stand_in = RestAnswer(status=200, body=body)
    with pytest.raises(CarrierUnreachable):
        await rig.place()
    assert len(rig.requests) == 1


def refusal(status: int, code: int | None, headers: Mapping[str, str] | None = None) -> RestAnswer:
    body = b"<html>"
    if code is not None:
        body = b'{"code":%d,"message":"about +15550002222","status":%d}' % (code, status)
    return RestAnswer(status=status, body=body, headers=headers or {})


class Noting:
    """An HTTP client that notes where it was sent and with which login."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any]] = []

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        self.sent.append((url, options.get("basic_auth")))
        return HttpResponse(status=200, headers={}, body=b'{"sid":"CA1","status":"in-progress"}')


@pytest.mark.parametrize(
    ("section", "origin"),
    [
        ({}, "https://api.twilio.com"),
        ({"region": "us1"}, "https://api.ashburn.us1.twilio.com"),
        ({"region": "ie1"}, "https://api.dublin.ie1.twilio.com"),
        ({"region": "au1"}, "https://api.sydney.au1.twilio.com"),
        ({"region": "jp1", "edge": "tokyo"}, "https://api.tokyo.jp1.twilio.com"),
        ({"edge": "dublin"}, "https://api.dublin.us1.twilio.com"),
        ({"region": "ie1", "apiBaseUrl": "http://127.0.0.1:9/"}, "http://127.0.0.1:9"),
        ({"apiBaseUrl": "https://proxy.example/twilio"}, "https://proxy.example/twilio"),
    ],
)
async def test_a_region_is_asked_at_its_edge(
    section: dict[str, str], origin: str, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "br1")
    monkeypatch.setenv("TWILIO_EDGE", "sao-paulo")
    http = Noting()
    provider = TwilioProvider(config(**section), context(http))
    await provider.status(rig.call("CA1"))
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Calls/CA1.json"
    assert http.sent == [(origin + path, (ACCOUNT, "token"))]


async def test_an_api_key_makes_the_calls_of_the_account(rig: Rig) -> None:
    http = Noting()
    provider = TwilioProvider(config(apiKeySid="SK1", apiKeySecret="hidden"), context(http))
    await provider.status(rig.call("CA1"))
    assert http.sent[0][1] == ("SK1", "hidden")
    assert f"/Accounts/{ACCOUNT}/" in http.sent[0][0]


async def test_without_a_number_to_call_from_nothing_is_dialled(rig: Rig) -> None:
    http = Noting()
    provider = TwilioProvider(config(), context(http))
    with pytest.raises(CarrierRejected, match="fromNumber"):
        await provider.place_call(rig.order(from_number=None))
    assert http.sent == []


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"region": "ie2"}, "us1, ie1, au1"),
        ({"apiKeySid": "SK1"}, "apiKeySecret"),
        ({"accountSid": "SK1"}, "accountSid"),
        ({"authToken": ""}, "authToken"),
        ({"apiBaseUrl": "ftp://x"}, "apiBaseUrl"),
        ({"machineDetection": {"timeoutSeconds": 60}}, "timeoutSeconds"),
    ],
)
async def test_a_section_that_cannot_work_is_refused(section: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        config(**section)


async def test_detection_is_tuned(rig: Rig) -> None:
    tuning = {"timeoutSeconds": 20, "speechThresholdMs": 2000, "silenceTimeoutMs": 3000}
    provider = TwilioProvider(
        config(machineDetection=tuning, authToken=rig.harness.key, apiBaseUrl=base(rig)),
        rig.context,
    )
    await provider.place_call(rig.order(detect_machine=True))
    told = {name: value for name, value in form(rig).items() if name.startswith("MachineDet")}
    assert told == {
        "MachineDetection": ["Enable"],
        "MachineDetectionTimeout": ["20"],
        "MachineDetectionSpeechThreshold": ["2000"],
        "MachineDetectionSilenceTimeout": ["3000"],
    }


def base(rig: Rig) -> str:
    return str(rig.config.api_base_url)


def config(**section: Any) -> TwilioConfig:
    return TwilioConfig.model_validate({"accountSid": ACCOUNT, "authToken": "token", **section})


def context(http: Any) -> ProviderContext:
    return ProviderContext(
        urls=Urls(),
        http=http,
        clock=StillClock(),
        logger=logging.getLogger("voicecall.test"),
        state_dir=Path(),
        from_number=None,
        speech=NoSpeech(),
    )


async def test_an_odd_id_stays_one_segment_of_the_path(rig: Rig) -> None:
    http = Noting()
    await TwilioProvider(config(), context(http)).status(rig.call(CarrierCallId("a/b?c#d")))
    assert http.sent[0][0].endswith("/Calls/a%2Fb%3Fc%23d.json")
