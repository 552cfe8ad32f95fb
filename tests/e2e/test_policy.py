"""Do people decide who calls whom? Pairing and opting out, as both sides hear it."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from voicecall.errors import EntryNotFound, PolicyRefused
from voicecall.model.call import CallMode, CallState

ALICE, BOB = "+15550004444", "+15550002222"
LISTEN, HANG_UP = {"listen": True}, {"hangUp": True}
CODE = re.compile(r"(?:\d, ){5}\d")

pytestmark = pytest.mark.anyio
both_voices = pytest.mark.parametrize("streaming", [True, False], ids=["streamed", "native"])


def heard(call: dict[str, Any]) -> list[str]:
    return [line["text"] for line in call["lines"] if line["kind"] == "heard"]


@both_voices
async def test_a_stranger_hears_a_code_and_once_it_is_approved_is_let_in_also_after_a_restart(
    start: Any, streaming: bool
) -> None:
    steps = [LISTEN, {"say": "let me in"}, LISTEN, HANG_UP]
    changes = {
        "mock": {"phones": {ALICE: {"steps": steps, "patienceMs": 1500}}},
        "outbound": {"notifyHangupDelaySec": 2},
        "inboundPolicy": "pairing",
        "inboundGreeting": "Luigi here.",
        "pairing": {"message": "Your code is: {code}. Goodbye."},
        "responder": "scripted",
        "responders": {"scripted": {"lines": ["Booked."]}},
        "streaming": {"enabled": streaming},
    }
    async with start(changes) as gateway:
        (told,) = heard(await gateway.dial_in(ALICE))
        (code,) = CODE.findall(told)
        assert told == f"Your code is: {code}. Goodbye."
        (record,) = await gateway.service.history(5)
        assert (record.mode, record.metadata) == (CallMode.NOTIFY, {"purpose": "pairing"})
        assert "Booked." not in [line.text for line in record.transcript]
        with pytest.raises(EntryNotFound):
            await gateway.service.policy.pairing.approve("000000")
        assert await gateway.service.policy.pairing.approve(code) == ALICE
    async with start(changes) as gateway:
        assert heard(await gateway.dial_in(ALICE)) == ["Luigi here.", "Booked."]


async def refused(gateway: Any, reason: str) -> None:
    with pytest.raises(PolicyRefused) as refusal:
        await gateway.call()
    assert refusal.value.reason == reason


@both_voices
async def test_acceptance_41_who_says_stop_calling_me_is_not_called_again_also_after_a_restart(
    start: Any, streaming: bool
) -> None:
    steps = [LISTEN, {"say": "stop calling me"}, LISTEN, {"wait": 20_000}]
    changes = {
        "mock": {"phones": {BOB: {"answerAfterMs": 100, "steps": steps}}},
        "streaming": {"enabled": streaming},
    }
    async with start(changes) as gateway:
        call_id = await gateway.call("Hello, have you heard of our offer?")
        record = await gateway.until_over(call_id)
        assert record.state is CallState.HANGUP_BOT
        assert record.end_detail == "the other side opted out"
        assert await gateway.heard_by_phone(call_id) == [
            "Hello, have you heard of our offer?",
            "All right, we will not call this number again. Goodbye.",
        ]
        await refused(gateway, "policy.doNotCall")
    async with start(changes) as gateway:
        await refused(gateway, "policy.doNotCall")
        (entry,) = await gateway.service.policy.do_not_call()
        assert (entry.number, entry.source, entry.call_id) == (BOB, "speech", call_id)
        await gateway.service.policy.remove_do_not_call(BOB)
        await gateway.service.end(await gateway.call())


async def test_acceptance_38_fifty_requests_at_once_place_five_calls_and_a_restart_none(
    start: Any,
) -> None:
    guard = {"maxCallsPerHour": 5, "callsPerSecond": 1000}
    steps = {"answerAfterMs": 0, "steps": [HANG_UP]}
    changes = {
        "mock": {"phones": {BOB: steps}},
        "maxConcurrentCalls": 60,
        "outbound": {"guard": guard},
    }
    placed, reasons = [], []

    async def dial(gateway: Any) -> None:
        try:
            placed.append(await gateway.call())
        except PolicyRefused as error:
            reasons.append(error.reason)

    async with start(changes) as gateway:
        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(dial, gateway)
        for call_id in placed:
            await gateway.until_over(call_id)
    async with start(changes) as gateway:
        await dial(gateway)
        assert len(await gateway.service.history(100)) == 5
    assert (len(placed), reasons) == (5, ["policy.rate"] * 46)


@both_voices
async def test_acceptance_41_who_presses_the_offered_key_is_not_called_again(
    start: Any, streaming: bool
) -> None:
    steps = [LISTEN, {"press": "9"}, LISTEN, {"wait": 20_000}]
    changes = {
        "mock": {"phones": {BOB: {"answerAfterMs": 100, "steps": steps}}},
        "streaming": {"enabled": streaming},
        "outbound": {"optOut": {"prompt": "To opt out, press 9."}, "notifyHangupDelaySec": 5},
    }
    async with start(changes) as gateway:
        call_id = await gateway.call("The pizza is ready.", mode=CallMode.NOTIFY)
        await gateway.until_over(call_id)
        assert (await gateway.heard_by_phone(call_id))[0] == (
            "The pizza is ready. To opt out, press 9."
        )
        await refused(gateway, "policy.doNotCall")
        (entry,) = await gateway.service.policy.do_not_call()
        assert (entry.number, entry.source) == (BOB, "digit")
