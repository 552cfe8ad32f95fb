"""Does any order of a call's webhooks, however often repeated, end in the right record?

A quiet carrier: a REST API that takes what it is told, and webhooks that come shuffled, repeated
and many at once, signed as the simulated network signs, over the gateway's real sockets.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import msgspec
import pytest
from anyio.abc import TaskGroup

from voicecall.calls.fold import fold
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.errors import CarrierRejected
from voicecall.model.call import CallRecord, CallState
from voicecall.model.call_events import CallFinished
from voicecall.service import CallRequest
from voicecall_conformance import Failure, RestAnswer, RestRequest
from voicecall_conformance.vendor import serving
from voicecall_mock.orders import CallView, PlaceOrder
from voicecall_mock.testing import MockHarness
from voicecall_mock.webhooks import SIGNATURE_HEADER, Report, sign

pytestmark = pytest.mark.anyio

FULL = os.environ.get("VOICECALL_FULL") == "1"
LIFECYCLES = 10_000 if FULL else 150
AT_ONCE = 50
SEED = 20_260

ENDS = {
    ("completed", "callee"): CallState.HANGUP_USER,
    ("completed", "caller"): CallState.HANGUP_BOT,
    ("completed", "api"): CallState.HANGUP_BOT,
    ("completed", "unknown"): CallState.COMPLETED,
    ("busy", "callee"): CallState.BUSY,
    ("no-answer", "unknown"): CallState.NO_ANSWER,
    ("canceled", "unknown"): CallState.NO_ANSWER,
    ("rejected", "callee"): CallState.REJECTED,
    ("failed", "unknown"): CallState.FAILED,
    ("timeout", "unknown"): CallState.TIMEOUT,
    ("voicemail", "api"): CallState.VOICEMAIL,
}
"""What the carrier says of an end, and what the record shall say."""

HAPPENINGS: tuple[dict[str, Any], ...] = (
    {"kind": "call.ringing"},
    {"kind": "call.answered", "wants_instructions": True},
    {"kind": "speech.ended"},
    {"kind": "speech.heard", "text": "I am Bob", "wants_instructions": True},
    {"kind": "digits", "digits": "7"},
    {"kind": "instructions.wanted", "wants_instructions": True},
    {"kind": "weather.changed"},
)


@dataclass
class Lifecycle:
    """One call as the dice want it, and what became of it."""

    number: int
    answers: dict[str, set[tuple[int, bytes]]] = field(default_factory=dict)
    told: anyio.Event = field(default_factory=anyio.Event)

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{SEED}:{self.number}")
        self.to_number = f"+1555{self.number:07d}"
        self.refused = self.dice.random() < 0.03
        self.end = self.dice.choice(list(ENDS))

    @property
    def outcome(self) -> CallState:
        """How the record shall end."""
        return CallState.FAILED if self.refused else ENDS[self.end]

    def deliveries(self, carrier_id: str) -> list[Report]:
        """Its webhooks, repeated and shuffled. A repeat may be the same delivery or a new one."""
        cause, ended_by = self.end
        ended = {"kind": "call.ended", "cause": cause, "ended_by": ended_by}
        reports = [
            Report(
                delivery_id=f"{carrier_id}-{place}-{self.dice.choice('aab') * bool(copy)}",
                event_id=f"{carrier_id}-{place}",
                call_id=carrier_id,
                occurred_at=0,
                **happening,
            )
            for place, happening in enumerate((*HAPPENINGS, ended))
            for copy in range(self.dice.choice((1, 1, 2, 3)))
        ]
        self.dice.shuffle(reports)
        return reports


class QuietCarrier:
    """Takes orders without a word of its own, and tells what the dice say about its calls."""

    def __init__(
        self, lives: list[Lifecycle], clients: list[httpx.AsyncClient], tasks: TaskGroup
    ) -> None:
        self.orders: Counter[str] = Counter()
        self.harness = MockHarness()
        self._lives = {life.to_number: life for life in lives}
        self._clients = clients
        self._tasks = tasks
        self._limit = anyio.CapacityLimiter(len(clients))

    def answer(self, request: RestRequest) -> RestAnswer:
        """The REST API. Webhooks may overtake the answer to the order that they are about."""
        if (request.method, request.path) != ("POST", "/v1/calls"):
            return self.harness.answer(request)
        order = msgspec.json.decode(request.body, type=PlaceOrder)
        life = self._lives[order.to_number]
        self.orders[order.order_id] += 1
        if life.refused:
            life.told.set()
            return self.harness.refusal(Failure.REFUSED)
        answer = self.harness.answer(request)
        carrier_id = msgspec.json.decode(answer.body, type=CallView).id
        self._tasks.start_soon(self._tell, life, order.callback_url, carrier_id)
        return answer

    async def _tell(self, life: Lifecycle, url: str, carrier_id: str) -> None:
        async with anyio.create_task_group() as tasks:
            for report in life.deliveries(carrier_id):
                tasks.start_soon(self._post, life, url, report)
        life.told.set()

    async def _post(self, life: Lifecycle, url: str, report: Report) -> None:
        body = msgspec.json.encode(report)
        at = int(time.time())
        signature = sign(key=self.harness.key, at=at, method="POST", url=url, body=body)
        headers = {SIGNATURE_HEADER: signature, "content-type": "application/json"}
        async with self._limit:
            client = self._clients.pop()
            answer = await client.post(url, content=body, headers=headers)
            self._clients.append(client)
        seen = life.answers.setdefault(report.delivery_id, set())
        seen.add((answer.status_code, answer.content))


@pytest.mark.parametrize("streaming", [True, False])
async def test_acceptance_14_shuffled_and_repeated_webhooks_leave_no_zombie_and_the_right_record(
    start: Any, tmp_path: Path, streaming: bool
) -> None:
    lives = [Lifecycle(number) for number in range(LIFECYCLES // 2)]
    async with _clients() as clients, anyio.create_task_group() as tasks:
        carrier = QuietCarrier(lives, clients, tasks)
        async with (
            serving(carrier.answer) as url,
            start(_config(carrier, url, streaming), patience=3600 if FULL else 120) as gateway,
        ):
            records = await _live_through(lives, gateway.service)
            assert gateway.service.live_calls() == []
    assert set(carrier.orders.values()) == {1}
    assert set(carrier.orders) == {record.call_id for record in records.values()}
    for life in lives:
        _check(life, records[life.number])
    await _check_store(tmp_path / "state" / "calls.db", records)


@asynccontextmanager
async def _clients() -> AsyncIterator[list[httpx.AsyncClient]]:
    """A client for each connection: the cost of a pool grows with the square of its size."""
    async with AsyncExitStack() as stack:
        opening = (
            httpx.AsyncClient(timeout=60, verify=False, trust_env=False) for _ in range(AT_ONCE)
        )
        yield [await stack.enter_async_context(client) for client in opening]


def _config(carrier: QuietCarrier, url: str, streaming: bool) -> dict[str, Any]:
    return {
        "maxConcurrentCalls": AT_ONCE,
        "streaming": {"enabled": streaming},
        "responder": "scripted",
        "responders": {"scripted": {"lines": ["Nice to meet you, Bob."]}},
        "mock": {**carrier.harness.config(url), "timeScale": 1},
    }


async def _live_through(lives: list[Lifecycle], service: Any) -> dict[int, CallRecord]:
    """Every lifecycle, `AT_ONCE` at a time; what is found of each right after its last webhook."""
    records: dict[int, CallRecord] = {}
    waiting: Iterator[Lifecycle] = iter(lives)

    async def work() -> None:
        for life in waiting:
            records[life.number] = await _live_one(life, service)

    async with anyio.create_task_group() as workers:
        for _ in range(AT_ONCE):
            workers.start_soon(work)
    return records


async def _live_one(life: Lifecycle, service: Any) -> CallRecord:
    request = CallRequest(
        to_number=life.to_number, message="Who is there?", idempotency_key=str(life.number)
    )
    try:
        call_id = await service.initiate(request)
    except CarrierRejected:
        assert life.refused
        call_id = await service.initiate(request)  # the key finds the call; nothing is dialled
    await life.told.wait()
    record: CallRecord = await service.find(call_id)
    return record


def _check(life: Lifecycle, record: CallRecord) -> None:
    assert (record.state, record.end_reason) == (life.outcome, life.outcome), life
    assert record.ended_at is not None
    assert record.digits in ("", "7")
    user_lines = [line.text for line in record.transcript if line.speaker.value == "user"]
    assert user_lines in ([], ["I am Bob"])
    for answers in life.answers.values():
        ((status, _),) = answers  # a repeated delivery gets the same answer again
        assert status == 200


async def _check_store(path: Path, records: dict[int, CallRecord]) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    async with open_sqlite_store(path) as store:
        assert await store.live() == []
        stored = await store.recent(2 * LIFECYCLES)
    for events in stored:
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        assert isinstance(events[-1], CallFinished)
    kept = {record.call_id: record for record in map(fold, stored)}
    assert kept == {record.call_id: record for record in records.values()}
