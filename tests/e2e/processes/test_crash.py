"""Is anything lost, or dialled twice, when the gateway is killed in the middle of calls?"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from voicecall.errors import GatewayError, GatewayRefused

pytestmark = pytest.mark.crash

ROUNDS = int(os.environ.get("VOICECALL_ROUNDS") or (200 if os.environ.get("VOICECALL_FULL") else 5))
STAYS, STAYS_TOO, LEAVES = "+15550002221", "+15550002222", "+15550002223"
PHONES: dict[str, Any] = {
    STAYS: {"answerAfterMs": 100, "steps": [{"wait": 3_600_000}]},
    STAYS_TOO: {"answerAfterMs": 800, "steps": [{"wait": 3_600_000}]},
    LEAVES: {"answerAfterMs": 100, "steps": [{"wait": 3000}, {"hangUp": True}]},
}
EVENTS_OF_THREE_CALLS = 24
"""So many events three calls have at least until each was spoken to twice."""


class Carrier:
    """The simulated network's own view, as the gateway's account there sees it."""

    def __init__(self, url: str, machine: Any) -> None:
        self._http = httpx.Client(base_url=url, timeout=20)
        self._machine = machine

    def close(self) -> None:
        self._http.close()

    def ledger(self) -> dict[str, dict[str, Any]]:
        return {entry["orderId"]: entry for entry in self._http.get("/v1/ledger").json()}

    def view(self, call_id: str) -> dict[str, Any]:
        account = self._machine.network
        answer = self._http.get(f"/v1/calls/{call_id}", auth=(account.gateway_id, account.secret))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def heard(self, call_id: str) -> list[str]:
        return [
            line["text"] for line in self.view(call_id).get("lines", ()) if line["kind"] == "heard"
        ]


@dataclass
class Town:
    """A network that lives on, and a gateway that is killed and started again."""

    machine: Any
    carrier: Carrier
    server: Any = None
    stack: ExitStack = field(default_factory=ExitStack)

    def start(self) -> Any:
        """The gateway that runs, else a new one."""
        if self.server is None:
            self.server = self.stack.enter_context(self.machine.serving())
        return self.server

    def kill(self) -> None:
        """``kill -9``."""
        self.server.kill()
        self.server = None
        self.stack.close()


@pytest.fixture(scope="module")
def town(new_machine: Any, free_port: Any) -> Iterator[Town]:
    switch = new_machine()
    with switch.running("mock", "serve", "--port", "0", "--no-record") as network:
        url = network.line().split()[-1]
        machine = new_machine(
            {"serve": {"port": free_port()}, "mock": {"networkUrl": url, "phones": PHONES}}
        )
        town = Town(machine, Carrier(url, machine))
        with closing(town.carrier), town.stack:
            yield town


@dataclass
class Evidence:
    """What the world saw of a gateway before it was killed."""

    acknowledged: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


def place_and_speak(server: Any, number: str, evidence: Evidence) -> None:
    try:
        placed = server.client.call("voicecall.initiate", {"to": number, "message": "Hello"})
        evidence.acknowledged.append(placed["callId"])
        server.until_state(placed["callId"], "active", "speaking", "listening", "hangup-user")
        server.client.call("voicecall.speak", {"callId": placed["callId"], "message": "One moment"})
    except GatewayError:
        pass  # it was killed


def kill_amid_calls(town: Town, moment: int) -> Evidence:
    """Place three calls and kill the gateway when it has told `moment` events about them."""
    server, evidence = town.start(), Evidence()
    watchdog = threading.Timer(20, server.popen.kill)
    watchdog.start()
    with ThreadPoolExecutor(3) as pool, server.client.events() as events:
        for number in (STAYS, STAYS_TOO, LEAVES):
            pool.submit(place_and_speak, server, number, evidence)
        evidence.events = list(islice((each for each in events if each["number"]), moment))
        town.kill()
    watchdog.cancel()
    return evidence


def check_store_after(town: Town, evidence: Evidence, copy: Path) -> dict[str, str]:
    """The file as the killed process left it is sound and has all that was told; its calls."""
    copy.mkdir()
    for file in town.machine.state.glob("calls.db*"):
        shutil.copy(file, copy)
    with closing(sqlite3.connect(copy / "calls.db")) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        calls = {call for (call,) in store.execute("SELECT call_id FROM calls WHERE live")}
        kept = set(store.execute("SELECT call_id, number FROM events"))
        known = {call for call, _ in kept}
        numbers = store.execute(
            "SELECT e.call_id, json_extract(CAST(body AS TEXT), '$.to_number') FROM events e "
            "WHERE kind = 'CallCreated'"
        )
        to = {call: number for call, number in numbers if call in calls}
    assert set(evidence.acknowledged) <= known
    assert {(event["callId"], event["number"]) for event in evidence.events} <= kept
    return to


def speak_and_be_heard(town: Town, call_id: str, message: str) -> None:
    def spoken() -> bool:
        try:
            params = {"callId": call_id, "message": message}
            return bool(town.server.client.call("voicecall.speak", params)["success"])
        except GatewayRefused as refused:  # it still rings, or waits for its stream
            raise AssertionError(refused.message) from refused

    town.machine.eventually(spoken)
    town.machine.eventually(lambda: message in " ".join(town.carrier.heard(call_id)))


def wait_for_those_who_leave(town: Town, live: dict[str, str]) -> None:
    """They hang up while nobody is there to be told."""
    for call_id in set(town.carrier.ledger()) & set(live):
        if live[call_id] == LEAVES:
            town.machine.eventually(lambda id=call_id: town.carrier.view(id)["state"] == "ended")


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_acceptance_29_a_killed_gateway_takes_its_calls_up_again(
    town: Town, tmp_path: Path, seed: int
) -> None:
    moment = random.Random(seed).randint(1, EVENTS_OF_THREE_CALLS)
    evidence = kill_amid_calls(town, moment)
    live = check_store_after(town, evidence, tmp_path / "copy")
    wait_for_those_who_leave(town, live)
    left = (town.machine.state / "gateway.json").exists()
    assert (left, town.machine.run("status").code) == (True, 4)
    server = town.start()
    ledger = town.carrier.ledger()
    assert set(evidence.acknowledged) <= set(ledger)
    staying = [call for call in live if call in ledger and live[call] != LEAVES]
    with ThreadPoolExecutor(3) as pool:
        heard = [pool.submit(speak_and_be_heard, town, each, f"Round {seed}") for each in staying]
        for call_id in set(live) - set(staying):
            gone = server.until_state(call_id, "hangup-user" if call_id in ledger else "failed")
            assert call_id in ledger or "does not know the call" in gone["endDetail"]
        for each in heard:
            each.result()
    assert {call["callId"] for call in server.calls()} == set(staying)
    for call_id in staying:
        server.client.call("voicecall.end", {"callId": call_id})
    assert server.calls() == []
    again = town.carrier.ledger()
    assert {(one["received"], one["dialled"]) for one in again.values()} <= {(1, 1)}
    assert set(again) == set(ledger)
