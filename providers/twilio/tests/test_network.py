"""Does a whole gateway hold its calls at the live double of Twilio? And beside Twilio's own SDK?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from voicecall.model.call import CallRecord, CallState, Direction
from voicecall_conformance.phones.gateway import (
    BOB,
    NUMBER,
    WEBHOOK_URL,
    Gateway,
    Scene,
    gateway_on,
)
from voicecall_twilio.network import TwilioNetwork
from voicecall_twilio.network.phrases import ACCOUNT

pytestmark = pytest.mark.anyio

LISTEN: Mapping[str, object] = {"listen": True}
HANG_UP: Mapping[str, object] = {"hangUp": True}
NATIVE: Mapping[str, Any] = {"streaming": {"enabled": False}}
OPEN: Mapping[str, Any] = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}


@asynccontextmanager
async def gateway(
    directory: Path, *steps: Mapping[str, object], **changes: Any
) -> AsyncIterator[tuple[Gateway, TwilioNetwork]]:
    """A gateway whose Bob does `steps`."""
    scene = Scene(phones={BOB: {"steps": steps}}, changes=changes)
    async with gateway_on(TwilioNetwork, scene, directory) as (running, network):
        with anyio.fail_after(60):
            yield running, network


def scripted(*lines: str) -> dict[str, Any]:
    return {"responder": "scripted", "responders": {"scripted": {"lines": list(lines)}}}


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.speaker.value, line.text) for line in record.transcript]


def hooks(network: TwilioNetwork) -> list[str]:
    """Which of our hooks Twilio came to, in order; ``voice`` for the number's own URL too."""
    paths = (each.url.partition("?")[0].removeprefix(WEBHOOK_URL) for each in network.deliveries)
    return [path.strip("/") or "voice" for path in paths]


@pytest.mark.parametrize("voice", [{}, NATIVE], ids=["streamed", "native"])
async def test_a_conversation_that_we_begin(tmp_path: Path, voice: Mapping[str, Any]) -> None:
    steps = (LISTEN, {"say": "who is there"}, LISTEN, HANG_UP)
    async with gateway(tmp_path, *steps, **voice, **scripted("A robot.")) as (running, network):
        record = await running.until_over(await running.call("Hello"))
        phone = await running.phone(record)
        assert phone.heard == ["Hello", "A robot."]
        assert said(record)[1:] == [("user", "who is there"), ("bot", "A robot.")]
        await network.calls[phone.id].told.wait()
        came_to = hooks(network)
        assert came_to.count("status") == 4
        assert ("gather" in came_to) is bool(voice)
        assert ("stream" in came_to) is not bool(voice)
        assert {each.status for each in network.deliveries} <= {200, 204}


async def test_a_caller_is_answered_whoever_is_told_of_the_end(tmp_path: Path) -> None:
    steps = (LISTEN, {"say": "what time is it"}, LISTEN, HANG_UP)
    async with gateway(tmp_path, *steps, **OPEN, **scripted("It is noon.")) as (running, network):
        network.number.status_callback = "https://elsewhere.example.com/calls"
        phone = network.dial_in(BOB)
        record = await running.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]
        assert (record.direction, record.attestation) == (Direction.INBOUND, "A")
        await network.calls[phone.id].told.wait()
        assert network.deliveries[-1].url == network.number.status_callback


async def test_a_caller_who_is_refused_is_never_answered(tmp_path: Path) -> None:
    async with gateway(tmp_path, LISTEN, inboundPolicy="disabled") as (running, network):
        phone = network.dial_in(BOB)
        record = await running.record_of(phone)
        assert record.state is CallState.REJECTED
        assert (phone.answered, phone.heard) == (False, [])
        await network.calls[phone.id].told.wait()
        assert network.calls[phone.id].status == "no-answer"
        assert hooks(network) == ["voice", "status"]


async def test_keys_sent_into_a_stream_replace_it_and_it_comes_back(tmp_path: Path) -> None:
    steps = (LISTEN, {"press": "7"}, {"wait": 60_000})
    async with gateway(tmp_path, *steps) as (running, network):
        call_id = await running.call("Press seven")
        await running.until(call_id, lambda event: getattr(event, "digits", "") == "7")
        await running.service.send_digits(call_id, "12#")
        await running.service.speak(call_id, "Thank you.")
        await running.service.end(call_id)
        phone = await running.phone(await running.until_over(call_id))
        assert ("digits", "12#") in [(line.kind, line.text) for line in phone.journal.lines]
        assert phone.heard == ["Press seven", "Thank you."]
        await network.calls[phone.id].told.wait()
        assert hooks(network).count("stream") == 4  # started and stopped, twice


# -- beside Twilio's own SDK


class ToTheDouble(TwilioHttpClient):  # type: ignore[misc]
    """The SDK's own client; only the host is another."""

    def __init__(self, origin: str) -> None:
        super().__init__()
        self._origin = origin
        self.session.trust_env = False

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
        return super().request(
            method, url.replace("https://api.twilio.com", self._origin), *rest, **named
        )


@asynccontextmanager
async def sdk(network: TwilioNetwork) -> AsyncIterator[Client]:
    client = Client(
        ACCOUNT,
        str(network.section()["authToken"]),
        http_client=ToTheDouble(network.base_url),
        environment={"TWILIO_REGION": ""},
    )
    try:
        yield client
    finally:
        client.http_client.session.close()


async def test_a_call_that_somebody_else_placed_at_our_webhook_is_ours(tmp_path: Path) -> None:
    steps = (LISTEN, {"say": "good evening"}, LISTEN, HANG_UP)
    changes = {"inboundGreeting": "Good morning.", **scripted("It is noon.")}
    async with gateway(tmp_path, *steps, **changes) as (running, network), sdk(network) as client:
        dial = partial(
            client.calls.create,
            to=BOB,
            from_=NUMBER,
            url=WEBHOOK_URL,
            status_callback=f"{WEBHOOK_URL}/status",
        )
        call = await to_thread.run_sync(dial)
        assert (call.status, call.direction) == ("queued", "outbound-api")
        phone = network.legs[call.sid]
        record = await running.record_of(phone)
        assert record.direction is Direction.OUTBOUND
        assert (record.from_number, record.to_number) == (NUMBER, BOB)
        assert ("user", "good evening") in said(record)
        assert phone.heard[-1] == "It is noon."
        again = await to_thread.run_sync(client.calls(call.sid).fetch)
        assert (again.status, again.duration is not None) == ("completed", True)
        assert again.date_created <= again.start_time <= again.end_time


@pytest.mark.parametrize("change", [{"status": "completed"}, {"twiml": "<Response/>"}])
async def test_a_call_of_ours_that_somebody_else_ends_is_over(
    tmp_path: Path, change: Mapping[str, str]
) -> None:
    async with (
        gateway(tmp_path, LISTEN, {"wait": 60_000}) as (running, network),
        sdk(network) as client,
    ):
        call_id = await running.call("Hello")
        phone = await network.latest()
        while not phone.heard:
            await phone.journal.changed()
        update = client.calls(phone.id).update
        assert (await to_thread.run_sync(partial(update, **change))).sid == phone.id
        assert (await running.until_over(call_id)).state is CallState.COMPLETED
        with pytest.raises(TwilioRestException) as caught:
            await to_thread.run_sync(partial(update, **change))
        assert (caught.value.status, caught.value.code) == (400, 21220)
