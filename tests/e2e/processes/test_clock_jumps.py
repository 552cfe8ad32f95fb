"""Does anything that lasts, expires or is counted follow a wall clock that jumps by an hour?"""

from __future__ import annotations

import time
from typing import Any

import anyio
import httpx
import pytest

from voicecall.errors import PolicyRefused
from voicecall_mock.orders import read_address

pytestmark = pytest.mark.anyio

HOUR = 3600.0
BOB, RINGS = "+15550002222", "+15550003333"
PHONES = {
    BOB: {"answerAfterMs": 100, "steps": [{"wait": 3_600_000}]},
    RINGS: {"answerAfterMs": 3_600_000},
}
GUARD = {"callsPerSecond": 1000, "maxCallsPerHour": 3, "maxCallsPerDay": 100}
CHANGES: dict[str, Any] = {
    "outbound": {"guard": GUARD},
    "maxDurationSeconds": 24,
    "mock": {"phones": PHONES, "timeScale": 4},
}


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the machine's wall clock by so many seconds; its monotonic clock goes on."""
    true, by = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: true() + by[0])
    return lambda seconds: by.__setitem__(0, seconds)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_acceptance_33_timers_and_windows_do_not_follow_a_clock_that_jumps(
    start: Any, webhook: Any, jump: Any, by: float
) -> None:
    async with start(CHANGES) as gateway, httpx.AsyncClient(trust_env=False) as carrier:
        stays = await gateway.call("Hello")
        rings = await gateway.call("Hello", to=RINGS)
        await gateway.until_state(stays, "active")
        before = (await gateway.service.find(rings)).carrier_ids[0]
        network, public = read_address(gateway.state_dir), gateway.running.public.url
        ringing = webhook(network, public, "call.ringing", before)
        answered = webhook(network, public, "call.answered", before, wants_instructions=True)
        told = await carrier.post(**answered)
        assert told.status_code == 200

        jump(by)
        # The call that talks is not over, and does what it is told.
        await gateway.service.speak(stays, "Still here")
        assert not (await gateway.service.find(stays)).state.is_terminal
        # What the carrier signed before is an hour old now, or an hour ahead: refused; the same
        # delivery is not carried out a second time.
        assert (await carrier.post(**ringing)).status_code == 401
        assert (await carrier.post(**answered)).status_code == 401
        # What it signs now is taken.
        assert (await carrier.post(**webhook(network, public, "call.ringing", before))).is_success
        # The hour of `maxCallsPerHour` is not over, and has not begun anew.
        await gateway.call("Hello", to=RINGS)
        with pytest.raises(PolicyRefused):
            await gateway.call("Hello", to=RINGS)
        # A token lives as long as it was to live.
        offered = webhook(network, public, "instructions.wanted", before, wants_instructions=True)
        assert (await carrier.post(**offered)).is_success

        jump(0.0)  # back again
        assert (await carrier.post(**answered)).content == told.content
        # Six seconds after its answer, 24 on the line, it is at its longest duration.
        record = await gateway.until_over(stays)
        assert record.state == "timeout"
        assert record.answered_at is not None and record.ended_at is not None
        assert record.ended_at - record.answered_at == pytest.approx(6, abs=3)


async def test_acceptance_33_a_gateway_that_starts_an_hour_earlier_takes_its_calls_up(
    start: Any, jump: Any
) -> None:
    changes = CHANGES | {"maxDurationSeconds": 3000}
    async with start(changes) as gateway:
        call_id = await gateway.call("Hello")
        await gateway.until_state(call_id, "active")
        jump(-HOUR)
        before = await gateway.service.find(call_id)
        await gateway.service.end(call_id)
        record = await gateway.until_over(call_id)
    assert record.event_count > before.event_count
    async with start(changes) as gateway:
        with anyio.fail_after(20):
            found = await gateway.service.find(call_id)
        assert found is not None and found.state == "hangup-bot"
        assert gateway.service.live_calls() == []
