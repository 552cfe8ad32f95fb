"""Is the live double as strict as Plivo, and does it do with documents what Plivo does?"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import anyio
import httpx
import pytest
from plivo.utils import validate_v3_signature  # type: ignore[import-untyped]

from voicecall.plugins.loader import load_plugins
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk import PluginContext, SystemClock
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.borrowed import LoopbackHttp
from voicecall_conformance.phones import Leg, Phone, Surroundings
from voicecall_conformance.vendor import serving
from voicecall_plivo.network import Habits, PlivoNetwork
from voicecall_plivo.network.network import AUTH_ID, AUTH_TOKEN

pytestmark = pytest.mark.anyio

NUMBER, BOB = "+15550001111", "+15550002222"
HOST = "https://calls.example.com"
PATIENCE_SECONDS = 30
XML = {"content-type": "application/xml"}
QUIET = {"steps": [{"wait": 600_000}]}


class Desk:
    """A gateway of canned answers, by path."""

    def __init__(self, network: PlivoNetwork) -> None:
        self.network = network
        self.answers: dict[str, RestAnswer] = {}
        self.asked: list[RestRequest] = []
        self._asked_again = anyio.Event()

    def serve(self, request: RestRequest) -> RestAnswer:
        self.asked.append(request)
        self._asked_again.set()
        self._asked_again = anyio.Event()
        return self.answers.get(request.path, RestAnswer())

    def give(self, path: str, *elements: str) -> None:
        body = f"<Response>{''.join(elements)}</Response>".encode()
        self.answers[path] = RestAnswer(body=body, headers=XML)

    def told(self, path: str) -> list[dict[str, str]]:
        """The fields of every call of a hook."""
        return [
            dict(parse_qsl(request.body.decode() or request.query, keep_blank_values=True))
            for request in self.asked
            if request.path == path
        ]

    async def called(self, path: str) -> None:
        """Wait until a hook was called."""
        while not self.told(path):
            await self._asked_again.wait()

    async def ask(self, method: str, path: str, body: object = None, **how: Any) -> httpx.Response:
        async with httpx.AsyncClient(auth=(AUTH_ID, AUTH_TOKEN), trust_env=False) as client:
            url = f"{self.network.base_url}/v1/Account/{AUTH_ID}/{path}"
            return await client.request(method, url, json=body, **how)

    async def dial(self, **order: object) -> Leg:
        """A call to Bob with the hooks /answer and /hangup."""
        given = {
            "from": NUMBER.removeprefix("+"),
            "to": BOB.removeprefix("+"),
            "answer_url": f"{HOST}/answer",
            "hangup_url": f"{HOST}/hangup",
            **order,
        }
        answer = await self.ask("POST", "Call/", given)
        assert answer.status_code == 201, answer.text
        return await self.network.latest()


@asynccontextmanager
async def desk(tmp_path: Path, **phone: object) -> AsyncIterator[Desk]:
    """Plivo with Bob's phone, and a gateway that a test writes the answers of."""
    registry, clock = load_plugins(os.environ), SystemClock(8.0)
    async with httpx.AsyncClient(trust_env=False) as client:
        context = PluginContext(
            http=LoopbackHttp(client),
            clock=clock,
            logger=logging.getLogger("voicecall.network"),
            state_dir=tmp_path,
        )
        around = Surroundings(
            clock=clock,
            speech=InstalledSpeech(registry, lambda name: context),
            number=NUMBER,
            webhook_url=f"{HOST}/number",
            phones={BOB: Phone.model_validate({**QUIET, **phone})},
        )
        async with PlivoNetwork.opened(around) as network:
            made = Desk(network)
            async with serving(made.serve) as url:
                parts = urlsplit(url)
                network.connect(str(parts.hostname), int(parts.port or 0))
                with anyio.fail_after(PATIENCE_SECONDS):
                    yield made


Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda order: order.pop("answer_url"), "answer_url is mandatory"),
        (lambda order: order.update(url="https://x.example"), "url is not a parameter"),
        (lambda order: order.update(to="+15550002222"), "to has an invalid value"),
        (lambda order: order.update(machine_detection_time=100), "between 2000 and 10000"),
    ],
)
async def test_an_order_that_plivo_does_not_document_is_refused(
    tmp_path: Path, spoil: Spoil, says: str
) -> None:
    async with desk(tmp_path) as at:
        order = {"from": "15550001111", "to": "15550002222", "answer_url": f"{HOST}/answer"}
        spoil(order)
        answer = await at.ask("POST", "Call/", order)
        assert answer.status_code == 400
        assert says in answer.json()["error"] and answer.json()["api_id"]
        assert not at.network.legs


async def test_a_path_without_its_slash_and_a_stranger_are_refused(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert (await at.ask("GET", "Call/x")).status_code == 404
        assert (await at.ask("GET", "Call/x/")).json()["error"] == "call not found"
        refused = await at.ask("GET", "", auth=(AUTH_ID, "another token"))
        assert refused.status_code == 401
        assert refused.headers["content-type"].startswith("text/html")


async def test_several_numbers_are_several_calls(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.dial(to="15550002222<15550003333")
        assert [leg.to_number for leg in at.network.legs.values()] == [BOB, "+15550003333"]


async def test_a_document_that_cannot_be_had_is_tried_again_and_then_the_fallback_asked(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        at.answers["/answer"] = RestAnswer(status=503)
        at.give("/fallback", "<Hangup/>")
        leg = await at.dial(
            answer_url=f"{HOST}/answer#rc=3&rp=ct,rt,5xx", fallback_url=f"{HOST}/fallback"
        )
        await leg.finished.wait()
        tries = [request for request in at.asked if request.path == "/answer"]
        assert len(tries) == 4
        assert len({each.headers["x-plivo-signature-v3-nonce"] for each in tries}) == 4
        assert len({each.body for each in tries}) == 1
        assert len(at.told("/fallback")) == 1
        (end,) = at.told("/hangup")
        assert (end["CallStatus"], end["HangupSource"]) == ("completed", "Answer XML")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (RestAnswer(status=500), "7011"),
        (RestAnswer(headers=XML), "8011"),
        (RestAnswer(body=b"<Response><Pause/></Response>", headers=XML), "8011"),
        (RestAnswer(body=b"<Response/>", headers={"content-type": "application/json"}), "8011"),
    ],
)
async def test_a_call_without_a_document_ends_with_plivos_code(
    tmp_path: Path, answer: RestAnswer, code: str
) -> None:
    async with desk(tmp_path) as at:
        at.answers["/answer"] = answer
        leg = await at.dial()
        await leg.finished.wait()
        (end,) = at.told("/hangup")
        assert len(at.told("/answer")) == 1
        assert (end["HangupCauseCode"], end["HangupSource"]) == (code, "Error")
        assert bool(at.network.faults) is code.startswith("8")


@pytest.mark.parametrize("one_nonce", [False, True])
async def test_every_callback_carries_a_signature_that_plivos_sdk_accepts(
    tmp_path: Path, one_nonce: bool
) -> None:
    async with desk(tmp_path, steps=[{"wait": 3000}, {"say": "grüße"}, {"wait": 600_000}]) as at:
        at.network.habits = Habits(one_nonce=one_nonce)
        listening = f'<GetInput action="{HOST}/heard?turn=1" inputType="speech"/>'
        at.give("/answer", listening)
        at.give("/heard", "<Hangup/>")
        leg = await at.dial(ring_url=f"{HOST}/ring?a=1", ring_method="GET")
        await leg.finished.wait()
        assert at.told("/heard")[0]["Speech"] == "grüße"
        assert {request.path for request in at.asked} == {"/answer", "/ring", "/heard", "/hangup"}
        for request in at.asked:
            url = f"{HOST}{request.path}{'?' if request.query else ''}{request.query}"
            fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
            nonce = request.headers["x-plivo-signature-v3-nonce"]
            signature = request.headers["x-plivo-signature-v3"]
            assert validate_v3_signature(
                request.method, url, nonce, AUTH_TOKEN, signature, fields
            ), request.path


async def test_every_element_of_a_document_is_carried_out_in_order(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.give(
            "/answer",
            '<Speak loop="2">one</Speak>',
            '<Wait length="2"/>',
            '<DTMF async="false">12</DTMF>',
            f'<GetInput action="{HOST}/heard" executionTimeout="5"><Speak>two</Speak></GetInput>',
            f'<Redirect method="GET">{HOST}/next?a=1</Redirect>',
        )
        at.give("/next", "<Speak>three</Speak>")
        leg = await at.dial()
        await leg.finished.wait()
        words = " ".join(leg.heard).split()
        assert words == ["one", "one", "two", "three"]
        assert [line.text for line in leg.journal.lines if line.kind == "digits"] == ["12"]
        assert at.told("/next")[0]["Event"] == "Redirect"
        assert "/heard" not in {request.path for request in at.asked}
        assert at.told("/hangup")[0]["HangupCauseCode"] == "4010"


async def test_keys_end_listening_with_their_last_one_left_out(tmp_path: Path) -> None:
    steps = [{"wait": 500}, {"press": "42#"}, {"wait": 600_000}]
    async with desk(tmp_path, steps=steps) as at:
        at.give("/answer", f'<GetInput action="{HOST}/heard"/>')
        at.give("/heard", '<Hangup schedule="1"/>', '<Wait length="60"/>')
        leg = await at.dial()
        await leg.finished.wait()
        (heard,) = at.told("/heard")
        assert (heard["InputType"], heard["Digits"], heard["Event"]) == ("dtmf", "42", "Redirect")
        assert at.told("/hangup")[0]["HangupSource"] == "Answer XML"


async def test_a_stream_that_does_not_open_is_tried_three_times_and_the_document_goes_on(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        at.give(
            "/answer",
            '<Stream bidirectional="true" keepCallAlive="true" audioTrack="inbound"'
            f' contentType="audio/x-mulaw;rate=8000" statusCallbackUrl="{HOST}/stream">'
            "wss://calls.example.com/socket?a=1&amp;b=2</Stream>",
            "<Speak>nobody listens</Speak>",
        )
        leg = await at.dial()
        await leg.finished.wait()
        assert [each.query for each in at.asked if each.path == "/socket"] == ["a=1&b=2"] * 3
        (dropped,) = at.told("/stream")
        assert (dropped["Event"], dropped["CallUUID"]) == ("DroppedStream", leg.id)
        assert leg.heard == ["nobody listens"]


async def test_a_call_is_moved_to_another_document_and_hung_up(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.give("/answer", '<Speak loop="0">hold the line</Speak>')
        at.give("/moved", "<Speak>goodbye</Speak>", '<Wait length="600"/>')
        leg = await at.dial()
        await at.called("/answer")
        order = {"legs": "aleg", "aleg_url": f"{HOST}/moved", "call_uuid": leg.id}
        moved = await at.ask("POST", f"Call/{leg.id}/", order)
        assert (moved.status_code, moved.json()["message"]) == (202, "call transferred")
        while "goodbye" not in " ".join(leg.heard):
            await leg.journal.changed()
        assert (await at.ask("DELETE", f"Request/{leg.id}/")).status_code == 404
        assert (await at.ask("DELETE", f"Call/{leg.id}/")).status_code == 204
        await leg.finished.wait()
        assert (await at.ask("DELETE", f"Call/{leg.id}/")).status_code == 404
        assert at.told("/hangup")[0]["HangupSource"] == "API Request"


async def test_a_call_is_queued_or_live_or_history_and_cancelled_by_its_order(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, answerAfterMs=600_000) as at:
        at.network.habits = Habits(own_call_uuid=True)
        leg = await at.dial(ring_url=f"{HOST}/ring")
        await at.called("/ring")
        request = at.told("/ring")[0]["RequestUUID"]
        assert request != leg.id
        live = await at.ask("GET", f"Call/{leg.id}/", params={"status": "live"})
        assert live.json()["call_status"] == "ringing"
        queued = await at.ask("GET", f"Call/{leg.id}/", params={"status": "queued"})
        assert queued.status_code == 404
        assert (await at.ask("DELETE", f"Request/{request}/")).status_code == 204
        await leg.finished.wait()
        assert (await at.ask("GET", f"Call/{leg.id}/")).json()["hangup_cause_code"] == 1000
        assert at.told("/hangup")[0]["CallStatus"] == "cancel"


DETECTED: Mapping[str, tuple[dict[str, str], str]] = {
    "asynchronous": ({"machine_detection_url": f"{HOST}/machine"}, "4010"),
    "synchronous": ({}, "4010"),
    "hanging up": ({"machine_detection": "hangup"}, "9100"),
}


@pytest.mark.parametrize("how", DETECTED)
async def test_a_machine_is_told_as_it_was_asked_for(tmp_path: Path, how: str) -> None:
    asked, code = DETECTED[how]
    async with desk(tmp_path, outcome="voicemail", **QUIET) as at:
        at.give("/answer", '<Wait length="3"/>')
        leg = await at.dial(**{"machine_detection": "true", **asked})
        await leg.finished.wait()
        machine = [each["Machine"] for each in at.told("/machine")]
        answer = [each.get("Machine") for each in at.told("/answer")]
        assert at.told("/hangup")[0]["HangupCauseCode"] == code
        expected = {
            "asynchronous": (["true"], [None]),
            "synchronous": ([], ["true"]),
            "hanging up": ([], []),
        }
        assert (machine, answer) == expected[how]


async def test_a_caller_whose_document_begins_with_a_hangup_was_never_answered(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        at.give("/number", '<Hangup reason="busy"/>')
        leg = at.network.dial_in(BOB)
        await leg.finished.wait()
        (offer,), (end,) = at.told("/number"), at.told("/number/hangup")
        assert (offer["CallStatus"], offer["From"], offer["To"]) == (
            "ringing",
            BOB.removeprefix("+"),
            NUMBER.removeprefix("+"),
        )
        assert not leg.answered
        assert (end["CallStatus"], end["HangupCause"]) == ("busy", "USER_BUSY")


async def test_the_account_knows_its_number_and_where_that_points(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        number = (await at.ask("GET", "Number/15550001111/")).json()
        path = number["application"].removeprefix(f"/v1/Account/{AUTH_ID}/")
        application = (await at.ask("GET", path)).json()
        assert application["hangup_url"].startswith(f"{HOST}/number/hangup#")
        assert json.loads((await at.ask("GET", "")).text)["auth_id"] == AUTH_ID
