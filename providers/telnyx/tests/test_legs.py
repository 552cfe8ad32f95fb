"""Is what Telnyx tells in pieces, twice or late put together? The memory of live legs."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from voicecall.sdk import (
    CallEnded,
    CarrierCall,
    CarrierCallId,
    CarrierEvent,
    DigitsPressed,
    EndCause,
    HangUp,
    Instruction,
    Live,
    MediaDigit,
    MediaStarted,
    Say,
    SendDigits,
    SpeechEnded,
    TurnToken,
    UnknownEvent,
)
from voicecall_conformance import Commanded, HungUp
from voicecall_conformance.borrowed import StillClock
from voicecall_conformance.rig import Rig, rigged
from voicecall_telnyx.legs import KEPT_LEGS, SAME_KEY_SECONDS, Keys, Legs
from voicecall_telnyx.provider import TelnyxProvider
from voicecall_telnyx.testing import TelnyxHarness

A = TurnToken("turn-a")


@asynccontextmanager
async def answered() -> AsyncIterator[tuple[Rig, CarrierCall]]:
    async with rigged(TelnyxHarness()) as rig:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        yield rig, call


def hear(rig: Rig, event: CarrierEvent) -> CarrierEvent:
    (heard,) = rig.hear(rig.webhook(event))
    return heard


@pytest.mark.anyio
async def test_a_key_that_is_told_twice_is_pressed_once() -> None:
    async with answered() as (rig, _):
        media = rig.framing()
        started = MediaStarted(
            stream_id="s",
            carrier_call_id=rig.carrier_call_id,
            format=rig.spec.media_format,
        )
        for frame in rig.frames(started):
            media.receive(frame)
        for order in ("stream first", "webhook first"):
            report = rig.about(DigitsPressed, key=order, digits="7")
            frame = json.dumps({"event": "dtmf", "dtmf": {"digit": "7"}})
            if order == "stream first":
                assert media.receive(frame) == (MediaDigit(digit="7"),)
                assert isinstance(hear(rig, report), UnknownEvent)
                assert isinstance(hear(rig, report), UnknownEvent)
            else:
                assert isinstance(hear(rig, report), DigitsPressed)
                assert isinstance(hear(rig, report), DigitsPressed)
                assert media.receive(frame) == ()
        assert isinstance(hear(rig, rig.about(DigitsPressed, key="n", digits="7")), DigitsPressed)


# -- what would cut speech waits for it


class Patient(StillClock):
    """A clock on which nothing that takes time is ever over."""

    async def sleep(self, seconds: float) -> None:
        """Wait for ever, unless there is nothing to wait for."""
        if seconds > 0:
            await anyio.sleep_forever()


@pytest.mark.anyio
@pytest.mark.parametrize("over", [SpeechEnded, CallEnded])
async def test_hanging_up_after_a_text_waits_until_it_was_heard(over: type[CarrierEvent]) -> None:
    async with answered() as (rig, call):
        patient = TelnyxProvider(rig.config, replace(rig.context, clock=Patient()))
        rig.provider = patient
        fields = {"cause": EndCause.COMPLETED} if over is CallEnded else {"turn": A}
        async with anyio.create_task_group() as tasks:
            farewell: list[Instruction] = [Say(text="Goodbye.", turn=A), HangUp()]
            tasks.start_soon(patient.command, call, farewell)
            with anyio.fail_after(5):
                while not rig.entries(Commanded):
                    await anyio.lowlevel.checkpoint()
            assert rig.entries(HungUp) == []
            hear(rig, rig.about(over, key="over", **fields))
        assert rig.entries(HungUp) == [HungUp(carrier_call_id=rig.carrier_call_id)]


@pytest.mark.anyio
async def test_hanging_up_does_not_wait_for_a_report_that_never_comes() -> None:
    async with answered() as (rig, call):
        farewell: list[Instruction] = [
            Say(text="Goodbye.", turn=A),
            SendDigits(digits="1"),
            HangUp(),
        ]
        await rig.provider.command(call, farewell)
        told = [each for entry in rig.entries(Commanded) for each in entry.instructions]
        assert [type(each) for each in told] == [Say, SendDigits, HangUp]


def test_keys_that_lie_apart_are_two() -> None:
    keys = Keys()
    assert keys.stream_is_news("1", 100.0)
    assert keys.webhook_is_news("e-1", "1", 100.0 + SAME_KEY_SECONDS + 1)
    assert keys.webhook_is_news("e-2", "2", None)
    assert not keys.webhook_is_news("e-3", "1", 100.0)


def test_only_so_many_legs_are_remembered() -> None:
    legs = Legs()
    first = legs.of(CarrierCallId("v3:0"))
    for number in range(KEPT_LEGS + 1):
        legs.of(CarrierCallId(f"v3:{number}"))
    assert legs.of(CarrierCallId("v3:0")) is not first
