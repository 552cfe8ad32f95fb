"""Does a whole gateway carry calls over Plivo's live double, whatever Plivo's habits are?"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from voicecall.model.call import CallState
from voicecall.sdk import CarrierRejected
from voicecall_conformance import RestAnswer
from voicecall_conformance.phones.gateway import (
    BOB,
    NUMBER,
    WEBHOOK_URL,
    Gateway,
    Scene,
    gateway_on,
)
from voicecall_plivo.network import Habits, PlivoNetwork
from voicecall_plivo.network.network import AUTH_ID, AUTH_TOKEN

pytestmark = pytest.mark.anyio

LISTEN = {"listen": True}
TALK = (LISTEN, {"say": "what time is it"}, LISTEN, {"hangUp": True})
NATIVE = {"streaming": {"enabled": False}}
PATIENCE_SECONDS = 60

Start = Callable[..., AbstractAsyncContextManager[tuple[Gateway, PlivoNetwork]]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts a gateway with a phone that does `steps`."""

    @asynccontextmanager
    async def starting(
        *steps: Mapping[str, object], **changes: Any
    ) -> AsyncIterator[tuple[Gateway, PlivoNetwork]]:
        answers = {"responder": "scripted", "responders": {"scripted": {"lines": ["It is noon."]}}}
        scene = Scene(phones={BOB: {"steps": steps}}, changes={**answers, **changes})
        async with gateway_on(PlivoNetwork, scene, tmp_path) as started:
            with anyio.fail_after(PATIENCE_SECONDS):
                yield started

    return starting


def hooks(network: PlivoNetwork) -> list[str]:
    """Which hooks were called, in order; the number's own URL is ``webhook``."""
    return [urlsplit(delivery.url).path.rpartition("/")[2] for delivery in network.deliveries]


async def test_a_call_over_a_stream_fetches_one_document_and_reports_what_happens(
    start: Start,
) -> None:
    async with start(*TALK) as (gateway, network):
        record = await gateway.until_over(await gateway.call("Hello"))
        phone = await gateway.phone(record)
        assert phone.heard == ["Hello", "It is noon."]
        assert record.carrier_ids == (phone.id,)
        assert record.state is CallState.HANGUP_USER
        called = hooks(network)
        assert called[:2] == ["ring", "answer"]
        assert called[-1] == "hangup"
        assert set(called[2:-1]) == {"stream", "machine"}
        assert {delivery.status for delivery in network.deliveries} == {200}


async def test_a_call_in_plivos_own_voice_goes_from_document_to_document(start: Start) -> None:
    async with start(*TALK, **NATIVE) as (gateway, network):
        record = await gateway.until_over(await gateway.call("Hello"))
        assert (await gateway.phone(record)).heard == ["Hello", "It is noon."]
        assert Counter(hooks(network))["heard"] == 1
        assert "stream" not in hooks(network)
        assert [line.text for line in record.transcript][1:] == ["what time is it", "It is noon."]


async def test_a_caller_comes_by_the_application_of_the_number(start: Start) -> None:
    welcome = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}
    async with start(*TALK, **welcome) as (gateway, network):
        phone = network.dial_in(BOB)
        record = await gateway.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]
        assert (record.from_number, record.to_number) == (BOB, NUMBER)
        assert hooks(network)[0] == "webhook" and hooks(network)[-1] == "hangup"


async def test_a_caller_who_is_refused_hears_nothing_and_is_rejected(start: Start) -> None:
    async with start(LISTEN, inboundPolicy="disabled") as (gateway, network):
        phone = network.dial_in(BOB)
        record = await gateway.record_of(phone)
        assert record.state is CallState.REJECTED
        assert not phone.answered
        assert hooks(network) == ["webhook", "hangup"]


@pytest.mark.parametrize(
    "habits",
    [
        Habits(own_call_uuid=True),
        Habits(one_nonce=True),
        Habits(main_account_only=True),
        Habits(handshake_scheme="wss"),
        Habits(handshake_scheme="https", stop_frame=True, extra_headers_as_json=True),
    ],
    ids=repr,
)
async def test_a_call_survives_every_habit_of_plivo(start: Start, habits: Habits) -> None:
    async with start(*TALK) as (gateway, network):
        network.habits = habits
        record = await gateway.until_over(await gateway.call("Hello"))
        phone = await network.latest()
        await phone.finished.wait()
        assert phone.heard == ["Hello", "It is noon."]
        assert record.state is CallState.HANGUP_USER
        assert phone.id in record.carrier_ids
        assert len(record.carrier_ids) == 1 + habits.own_call_uuid


async def test_a_call_under_another_id_than_its_order_is_ended_while_it_rings(
    start: Start,
) -> None:
    async with start(LISTEN) as (gateway, network):
        network.habits = Habits(own_call_uuid=True)
        call_id = await gateway.call("Hello")
        await gateway.until_state(call_id, "ringing")
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
        phone = await network.latest()
        await phone.finished.wait()
        assert record.state is CallState.HANGUP_BOT
        assert not phone.answered


async def test_a_dial_that_plivo_fails_is_not_tried_again(start: Start) -> None:
    async with start(LISTEN) as (gateway, network):
        network.instead = lambda request: RestAnswer(status=400, body=b'{"error": "no"}')
        with pytest.raises(CarrierRejected):
            await gateway.call("Hello")
        assert [request.method for request in network.requests] == ["POST"]


def sdk(network: PlivoNetwork, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plivo's own client, which talks to the double."""
    from plivo.rest import client  # type: ignore[import-untyped]

    base = f"{network.base_url}/v1/Account"
    for name in ("PLIVO_API_BASE_URI", "API_VOICE_BASE_URI"):
        monkeypatch.setattr(client, name, base)
    for number in (1, 2):
        monkeypatch.setattr(client, f"API_VOICE_BASE_URI_FALLBACK_{number}", base)
    return client.Client(AUTH_ID, AUTH_TOKEN)


async def test_a_call_that_plivos_sdk_places_is_steered_by_the_gateway(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(*TALK) as (gateway, network), gateway.service.watch() as events:

        def place() -> str:
            with sdk(network, monkeypatch) as client:
                fired = client.calls.create(
                    NUMBER.removeprefix("+"),
                    BOB.removeprefix("+"),
                    WEBHOOK_URL,
                    hangup_url=f"{WEBHOOK_URL}/hangup",
                )
            return str(fired.request_uuid)

        placed = await anyio.to_thread.run_sync(place)
        call_id = (await anext(events)).call_id
        await gateway.until_state(call_id, "active")
        await gateway.service.speak(call_id, "Good morning.")
        phone = await network.latest()
        record = await gateway.record_of(phone)
        assert placed == phone.id
        assert phone.heard == ["Good morning.", "It is noon."]
        assert (record.from_number, record.to_number) == (NUMBER, BOB)


async def test_plivos_sdk_asks_after_a_call_presses_keys_and_ends_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with start(LISTEN, {"wait": 60_000}) as (gateway, network):
        call_id = await gateway.call("Hello")
        await gateway.until_state(call_id, "active")
        phone = await network.latest()

        def ask() -> str:
            with sdk(network, monkeypatch) as client:
                live = client.calls.live_call_get(phone.id)
                assert client.calls.live_call_list_ids().calls == [phone.id]
                client.calls.send_digits(phone.id, "1")
                client.calls.hangup(phone.id)
                return str(live.call_status)

        assert await anyio.to_thread.run_sync(ask) == "in-progress"
        await gateway.until_over(call_id)
        assert [line.text for line in phone.journal.lines if line.kind == "digits"] == ["1"]
