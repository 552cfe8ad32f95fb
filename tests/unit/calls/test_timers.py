"""Do timers end what must end, and nothing else?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.calls.facts import Speaking, Timer
from voicecall.errors import (
    TurnTimeout,
)
from voicecall.model.call import CallMode, CallState
from voicecall.model.carrier_events import CallAnswered, MachineDetected, MachineResult
from voicecall.model.ids import CarrierCallId

X1 = CarrierCallId("X1")
TALK = CallMode.CONVERSATION


def answered(**values: Any) -> CallAnswered:
    return CallAnswered(key="a", carrier_call_id=X1, **values)


def test_a_call_that_nobody_answers_is_hung_up_after_the_ring_timeout(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(ringTimeoutMs=20_000) as world:
            call = await world.place()
            begun = anyio.current_time()
            await call.ended.wait()
            assert 20 <= anyio.current_time() - begun <= 31
            assert call.record.state is CallState.NO_ANSWER
            assert len(world.carrier.hang_ups) == 1

    virtually(main)


def test_the_reaper_ends_a_call_that_was_never_answered(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway(ringTimeoutMs=600_000, staleCallReaperSeconds=60) as world:
            call = await world.place()
            await call.ended.wait()
            assert call.record.state is CallState.TIMEOUT

    virtually(main)


def test_acceptance_32_a_live_conversation_is_never_reaped_before_its_maximum_duration(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(maxDurationSeconds=900, staleCallReaperSeconds=10) as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            begun = anyio.current_time()
            await call.ended.wait()
            assert anyio.current_time() - begun == pytest.approx(900, abs=1)
            assert call.record.state is CallState.TIMEOUT

    virtually(main)


def test_an_answered_call_without_its_stream_is_given_up_and_says_why(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            await call.ended.wait()
            assert call.record.state is CallState.ERROR
            assert "stream URL" in (call.record.end_detail or "")

    virtually(main)


def test_a_notify_call_hangs_up_the_configured_delay_after_the_end_of_playback(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(outbound={"notifyHangupDelaySec": 5}) as world:
            call = await world.place("one two three four five", mode=CallMode.NOTIFY)
            await call.tell(answered())
            begun = anyio.current_time()
            voice = await world.connect(call)
            await call.ended.wait()
            assert anyio.current_time() - begun == pytest.approx(0.5 + 5 + 0.05, abs=0.05)
            assert [speech.text for speech in voice.said] == ["one two three four five"]
            assert call.record.state is CallState.COMPLETED
            assert [line.text for line in call.record.transcript] == ["one two three four five"]

    virtually(main)


def test_a_turn_without_an_answer_times_out_and_the_call_goes_on(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(transcriptTimeoutMs=7000) as world:
            call = await world.place(mode=TALK)
            await call.tell(answered())
            await world.connect(call)
            with pytest.raises(TurnTimeout, match="transcriptTimeoutMs"):
                await world.service.continue_call(call.record.call_id, "Still there?")
            assert call.record.is_live

    virtually(main)


def test_every_live_state_of_a_real_call_has_a_timer(gateway: Any, virtually: Any) -> None:
    async def main() -> None:
        async with gateway() as world:
            call = await world.place(mode=TALK)
            assert {Timer.RING, Timer.REAPER} <= call.armed
            await call.tell(answered())
            assert Timer.MAX_DURATION in call.armed
            await world.connect(call)
            await call.tell(Speaking(active=True))
            assert call.armed == {Timer.MAX_DURATION}

    virtually(main)


@pytest.mark.parametrize(
    ("result", "seconds"),
    [(None, 15), (MachineResult.HUMAN, 4 + 3), (MachineResult.UNKNOWN, 4 + 3)],
)
def test_a_message_that_was_heard_waits_to_learn_whether_a_machine_heard_it(
    gateway: Any, virtually: Any, result: MachineResult | None, seconds: float
) -> None:
    async def main() -> None:
        async with gateway(detect_machine=True) as world:
            call = await world.place("Dinner", mode=CallMode.NOTIFY)
            await call.tell(answered())
            await world.connect(call)
            await anyio.sleep(0.1)
            heard_at = anyio.current_time()
            if result is not None:
                await anyio.sleep(4)
                await call.tell(MachineDetected(key="m", carrier_call_id=X1, result=result))
            await call.ended.wait()
            assert anyio.current_time() - heard_at == pytest.approx(seconds, abs=0.2)
            assert call.record.state is CallState.COMPLETED

    virtually(main)


def test_a_machine_that_is_told_after_its_greeting_gets_the_message_once_more(
    gateway: Any, virtually: Any
) -> None:
    async def main() -> None:
        async with gateway(detect_machine=True) as world:
            call = await world.place("Dinner is ready", mode=CallMode.NOTIFY)
            await call.tell(answered())
            voice = await world.connect(call)
            await anyio.sleep(9)
            beep = MachineResult.BEEP
            await call.tell(MachineDetected(key="m", carrier_call_id=X1, result=beep))
            await call.ended.wait()
            assert [speech.text for speech in voice.said] == ["Dinner is ready"] * 2
            assert call.record.state is CallState.VOICEMAIL

    virtually(main)
