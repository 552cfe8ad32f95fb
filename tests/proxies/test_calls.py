"""Do whole calls work behind a real proxy that ends TLS, rewrites the path and has another port?"""

from __future__ import annotations

from typing import Any

import pytest

from voicecall.model.call import CallState
from voicecall_conformance.phones.gateway import BOB

pytestmark = pytest.mark.anyio

CARRIERS = ("twilio", "telnyx", "plivo")
LISTEN = {"listen": True}
SCRIPTED = {
    "responder": "scripted",
    "responders": {"scripted": {"lines": ["It is noon.", "Goodbye."]}},
}
TALK = (LISTEN, {"say": "what time is it"}, LISTEN, {"say": "thank you"}, LISTEN, {"hangUp": True})


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_conversation_is_heard_by_both_sides(start: Any, carrier: str) -> None:
    async with start(carrier, *TALK, changes=SCRIPTED) as gateway:
        record = await gateway.until_over(await gateway.call("Hello, who is there?"))
        phone = await gateway.phone(record)
        assert phone.heard == ["Hello, who is there?", "It is noon.", "Goodbye."]
        said = [line.text for line in record.transcript if line.speaker.value == "user"]
        assert said == ["what time is it", "thank you"]
        assert record.state in (CallState.HANGUP_USER, CallState.COMPLETED)
        statuses = {each.status for each in gateway.network.deliveries}
        assert statuses <= {200, 204}, statuses


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_somebody_who_calls_is_served(start: Any, carrier: str) -> None:
    greeting = {"inboundPolicy": "open", "inboundGreeting": "Good morning."}
    steps = (LISTEN, {"say": "what time is it"}, LISTEN, {"hangUp": True})
    async with start(carrier, *steps, changes=SCRIPTED | greeting) as gateway:
        phone = gateway.network.dial_in(BOB)
        await gateway.record_of(phone)
        assert phone.heard == ["Good morning.", "It is noon."]


async def test_the_carriers_own_voice_needs_webhooks_alone(start: Any) -> None:
    native = {"streaming": {"enabled": False}}
    async with start("twilio", *TALK, changes=SCRIPTED | native) as gateway:
        record = await gateway.until_over(await gateway.call("Hello, who is there?"))
        phone = await gateway.phone(record)
        assert phone.heard == ["Hello, who is there?", "It is noon.", "Goodbye."]


async def test_a_dropped_stream_comes_back_through_the_proxy(start: Any) -> None:
    steps = (LISTEN, {"drop": "stream"}, {"wait": 3000}, {"say": "are you there"}, LISTEN)
    changes = {
        "responder": "scripted",
        "responders": {"scripted": {"lines": ["I am back."]}},
    }
    async with start("twilio", *steps, {"hangUp": True}, changes=changes) as gateway:
        record = await gateway.until_over(await gateway.call("Hello"))
        assert (await gateway.phone(record)).heard == ["Hello", "I am back."]
