"""What becomes of live calls when the gateway starts again?"""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import (
    CallAnswered,
    EndCause,
)
from voicecall.model.ids import CarrierCallId
from voicecall.model.instructions import (
    OpenStream,
)
from voicecall.sdk.provider import Ended, Live

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def test_after_a_restart_a_live_call_is_usable_and_nothing_is_dialled(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as before:
            call = await before.place("Hello", mode=TALK)
            await call.tell(answered())
            await (await before.connect(call)).drained()
            await anyio.wait_all_tasks_blocked()
            store = before.store
        async with gateway(store=store) as after:
            (restored,) = await after.manager.restore()
            commanded = after.carrier.commanded
            restored.spawn(restored.reconcile)
            await commanded.wait()
            assert isinstance(after.carrier.commands[0][0], OpenStream)
            voice = await after.connect(restored)
            await after.service.speak("X1", "I am back")
            assert [speech.text for speech in voice.said] == ["I am back"]
            assert after.carrier.orders == []

    virtually(main)


def test_acceptance_31_after_a_restart_a_call_that_is_gone_is_recorded_with_its_reason(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as before:
            await before.place("Hello", mode=TALK)
            store = before.store
        async with gateway(store=store) as after:
            (restored,) = await after.manager.restore()
            after.carrier.answer_status = Ended(cause=EndCause.BUSY)
            restored.spawn(restored.reconcile)
            await restored.ended.wait()
            assert restored.record.state is CallState.BUSY
            assert after.carrier.orders == [] and after.carrier.hang_ups == []

    virtually(main)


def test_a_timer_that_ran_out_while_we_were_away_waits_for_the_carriers_word(
    gateway: Any, virtually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(call: Any) -> Live:
        await anyio.sleep(9)
        return Live(answered=True)

    async def main() -> None:
        async with gateway() as before:
            await before.place("Hello", mode=TALK)
            store = before.store
        later = time.time() + 600
        monkeypatch.setattr(time, "time", lambda: later)
        async with gateway(store=store) as after:
            after.carrier.status = slowly
            (restored,) = await after.manager.restore()
            restored.spawn(restored.reconcile)
            await anyio.sleep(15)
            assert restored.record.state.is_answered
            assert after.carrier.hang_ups == []

    virtually(main)
