"""Does every call end as the carrier says, dialled once, however bad the weather is?

A storm stands between the gateway and a carrier's double, in both directions: requests fail in
every way a REST API can, webhooks and media sockets are late, split, cut, or left half-open.
"""

from __future__ import annotations

import gc
import os
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import anyio
import pytest

from voicecall.calls.conversation import Conversation
from voicecall.calls.live import LiveCall
from voicecall.errors import CarrierRateLimited, VoicecallError
from voicecall.media.session import Session
from voicecall.model.call import CallRecord, CallState, Direction
from voicecall.model.call_events import CallFinished
from voicecall.model.carrier_events import EndCause, EndedBy
from voicecall.service import CallRequest
from voicecall_conformance import RestRequest
from voicecall_conformance.chaos import (
    CARRIED_OUT,
    NOT_CARRIED_OUT,
    Harshness,
    RestFault,
    Storm,
)

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]

FULL = os.environ.get("VOICECALL_FULL") == "1"
SEEDS = range(int(os.environ.get("VOICECALL_ROUNDS") or (25 if FULL else 1)))
CALLS = 12 if FULL else 3
PATIENCE_SECONDS = 240 if FULL else 45
HARSHNESS = (
    Harshness(silence=30.0)
    if FULL
    else Harshness(silence=0.6, latency=0.05, requests=0.35, connections=0.5)
)
"""A request is given up after ten seconds: only the long form waits for that."""

LISTEN, HANG_UP = {"listen": True, "timeoutMs": 4000}, {"hangUp": True}
PHONES: tuple[dict[str, Any], ...] = (
    {"steps": [LISTEN, {"say": "I am Bob"}, LISTEN, HANG_UP]},
    {"steps": [LISTEN, {"interrupt": "stop it", "afterMs": 200, "timeoutMs": 3000}, HANG_UP]},
    {"steps": [LISTEN, {"drop": "stream"}, {"wait": 2000}, {"say": "hello"}, LISTEN, HANG_UP]},
    {"steps": [LISTEN, {"press": "7"}, {"wait": 60_000}]},
    {"outcome": "busy"},
    {"outcome": "reject"},
    {"outcome": "no-answer"},
    {"outcome": "voicemail"},
)
CHANGES: dict[str, Any] = {
    "maxConcurrentCalls": 50,
    "maxDurationSeconds": 31,
    "ringTimeoutMs": 8000,
    "inboundPolicy": "open",
    "inboundGreeting": "Good morning.",
    "outbound": {
        "defaultMode": "conversation",
        "guard": {"callsPerSecond": 1000, "maxCallsPerHour": 10_000, "maxCallsPerDay": 10_000},
    },
    "responder": "scripted",
    "responders": {"scripted": {"lines": ["Nice to meet you."], "afterwards": "repeat"}},
}


@dataclass
class Day:
    """Calls on one stormy day."""

    town: Any
    dice: random.Random

    async def call(self, number: str) -> None:
        """Place a call, do something to it, see it end."""
        wish = CallRequest(to_number=number, message="Who is there?", idempotency_key=number)
        try:
            await self.town.service.initiate(wish)
        except VoicecallError as error:
            assert str(error).strip() and "unknown error" not in str(error)
        call_id = await self.town.service.initiate(wish)  # the key finds it; nothing is dialled
        deed = self.dice.choice(("speak", "continue", "end", "digits", None, None))
        async with self.town.service.watch(call_id) as events, anyio.create_task_group() as tasks:
            async for event in events:
                if getattr(event, "state", None) == CallState.LISTENING and deed is not None:
                    tasks.start_soon(self.do, deed, call_id)
                    deed = None
                if isinstance(event, CallFinished):
                    break  # whoever still waits for something of the call is told now

    async def do(self, deed: str, call_id: str) -> None:
        """Somebody uses a live call."""
        service = self.town.service
        try:
            match deed:
                case "speak":
                    await service.speak(call_id, "One moment.")
                case "continue":
                    await service.continue_call(call_id, "How many?")
                case "end":
                    await service.end(call_id)
                case "digits":
                    await service.send_digits(call_id, "12#")
        except VoicecallError as error:
            assert str(error).strip() and "unknown error" not in str(error)


def agrees(record: CallRecord, side: Any) -> bool:
    """Whether what we say of a call can be true, given what the carrier says."""
    if record.direction is Direction.INBOUND and side.ended_by is EndedBy.API:
        return True  # our answer was lost on its way, and then we declined the call
    if record.answered_at is not None and not side.answered:
        return False
    match record.state:
        case CallState.BUSY:
            return bool(side.cause == EndCause.BUSY)
        case CallState.REJECTED:
            return side.cause in (EndCause.REJECTED, EndCause.BUSY)
        case CallState.HANGUP_USER:
            return side.ended_by in (EndedBy.CALLEE, EndedBy.CALLER, EndedBy.UNKNOWN)
    return True


async def all_over(town: Any) -> None:
    """Until the carrier has no live call."""
    while any(side.cause is None for side in await town.sides()):
        await anyio.sleep(0.05)


async def stormy_day(town: Any, storm: Storm, numbers: list[str], seed: int) -> Counter[str]:
    """Make the calls, and compare both books; how the calls ended."""
    day = Day(town, random.Random(seed))
    storm.blows = True
    with anyio.fail_after(PATIENCE_SECONDS):
        async with anyio.create_task_group() as calls:
            for number in numbers:
                calls.start_soon(day.call, number)
            await town.dial_in("+15550009001")
    storm.blows = False
    with anyio.fail_after(PATIENCE_SECONDS):
        await all_over(town)
        while town.service.live_calls():
            await anyio.sleep(0.05)
    records = await town.service.history(len(numbers) + 10)
    sides = {side.id: side for side in await town.sides()}
    dialled = Counter(side.to_number for side in sides.values() if side.to_number in numbers)
    assert set(dialled.values()) <= {1}
    assert Counter(
        record.to_number for record in records if record.to_number in numbers
    ) == Counter(numbers)
    for record in records:
        assert record.state.is_terminal
        known = [sides[each] for each in record.carrier_ids if each in sides]
        assert known or record.answered_at is None, record
        assert all(agrees(record, side) for side in known), (record, known)
    assert all(front.followed == 0 for front in storm.fronts)
    return Counter(record.state.value for record in records)


async def eventually(look: Callable[[], bool], otherwise: str) -> None:
    """Until `look` is true; what closes may take a moment."""
    with anyio.move_on_after(PATIENCE_SECONDS):
        while not look():
            await anyio.sleep(0.1)
        return
    raise AssertionError(otherwise)


def open_files() -> int:
    return len(os.listdir("/dev/fd"))


def kept_of_calls() -> Counter[str]:
    gc.collect()
    kinds = (LiveCall, Conversation, Session)
    return Counter(type(each).__name__ for each in gc.get_objects() if type(each) in kinds)


@pytest.mark.parametrize("seed", SEEDS)
async def test_in_a_storm_every_call_ends_as_the_carrier_says_and_nothing_is_dialled_twice(
    carrier: str, town: Callable[..., Any], seed: int
) -> None:
    storm = Storm(HARSHNESS, f"{carrier}:{seed}")
    dice = random.Random(f"{carrier}:{seed}:phones")
    numbers = [f"+1555000{7000 + number}" for number in range(CALLS)]
    phones = {number: {"answerAfterMs": 300, **dice.choice(PHONES)} for number in numbers}
    tasks, files = len(anyio.get_running_tasks()), open_files()
    async with town(storm, phones, CHANGES) as built:
        ends = await stormy_day(built, storm, numbers, seed)
        failed = Counter(fault.name for front in storm.fronts for _, fault in front.failed)
        await eventually(lambda: not kept_of_calls(), "calls are kept")
    print(f"{carrier} {seed}: {dict(ends)}; failed: {dict(failed)}")
    await eventually(lambda: len(anyio.get_running_tasks()) <= tasks, "tasks are left")
    await eventually(lambda: open_files() <= files, "files are left")


# -- an order that fails


def planned(request: RestRequest) -> RestFault | None:
    """The fault of the order to the number that has the fault's place for its last digits."""
    found = re.search(rb"1555000(6\d{3})", request.body) if request.method == "POST" else None
    return None if found is None else ORDERS.get(f"+1555000{found[1].decode()}")


ORDERS = {f"+1555000{6000 + place}": fault for place, fault in enumerate(RestFault)}


async def order(service: Any, number: str, errors: dict[str, Exception]) -> None:
    """Place a call whose order fails, and see what is left of it end."""
    wish = CallRequest(to_number=number, message="Who is there?", idempotency_key=number)
    try:
        await service.initiate(wish)
    except VoicecallError as error:
        errors[number] = error
    async with service.watch(await service.initiate(wish)) as events:
        async for event in events:
            if isinstance(event, CallFinished):
                break


async def test_an_order_is_given_once_however_it_fails_and_what_it_made_is_ended(
    carrier: str, town: Callable[..., Any]
) -> None:
    storm = Storm(replace(HARSHNESS, connections=0), carrier, planned)
    phone = {"answerAfterMs": 400, "steps": [{"wait": 2000}, HANG_UP]}
    errors: dict[str, Exception] = {}
    async with town(storm, dict.fromkeys(ORDERS, phone), CHANGES) as built:
        storm.blows = True
        with anyio.fail_after(PATIENCE_SECONDS):
            async with anyio.create_task_group() as calls:
                for number in ORDERS:
                    calls.start_soon(order, built.service, number, errors)
            await all_over(built)
        records = {each.to_number: each for each in await built.service.history(50)}
        sides = Counter(side.to_number for side in await built.sides())
        failed = {fault for front in storm.fronts for _, fault in front.failed}
        assert not any(front.followed for front in storm.fronts)
    assert failed == set(RestFault)
    assert sides == Counter(number for number, fault in ORDERS.items() if fault in CARRIED_OUT)
    assert all(records[number].state.is_terminal for number in ORDERS)
    for number, fault in ORDERS.items():
        if fault in NOT_CARRIED_OUT:
            assert records[number].state in (CallState.FAILED, CallState.NO_ANSWER), fault
            assert records[number].answered_at is None, fault
    limited = next(number for number in ORDERS if ORDERS[number] is RestFault.RATE_LIMITED)
    assert isinstance(errors[limited], CarrierRateLimited)
    assert errors[limited].retry_after == 1.0
