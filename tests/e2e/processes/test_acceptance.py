"""The command line keeps its promises, in processes of its own: acceptance 1, 3 and 4."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

BOB, PATIENT, SLOW = "+15550002222", "+15550005555", "+15550006666"
STAY = {"wait": 3_600_000}
CHANGES: dict[str, Any] = {
    "mock": {
        "phones": {
            BOB: {"steps": [STAY]},
            PATIENT: {"steps": [STAY]},
            SLOW: {"answerAfterMs": 3_600_000},
        }
    }
}

WATCHED = """
import os, sys
def watch(event, arguments):
    if event == "socket.bind" and "bind" in os.environ["FORBIDDEN"]:
        raise RuntimeError("a port was bound: " + repr(arguments[1]))
    if event in ("socket.connect", "socket.getaddrinfo") and "outside" in os.environ["FORBIDDEN"]:
        to = arguments[1][0] if event == "socket.connect" else arguments[0]
        if to not in ("127.0.0.1", "::1", "localhost", b"127.0.0.1", None):
            raise RuntimeError("left the machine: " + repr(to))
sys.addaudithook(watch)
"""


@pytest.fixture(scope="module")
def machine(new_machine: Any) -> Any:
    made = new_machine(CHANGES)
    (made.root / "watched").mkdir()
    (made.root / "watched" / "sitecustomize.py").write_text(WATCHED)
    return made


@pytest.fixture(scope="module")
def server(machine: Any) -> Iterator[Any]:
    with machine.serving() as running:
        yield running


def watched(machine: Any, forbidden: str) -> dict[str, str]:
    """Variables under which a process ends when it does what is forbidden."""
    return {"PYTHONPATH": str(machine.root / "watched"), "FORBIDDEN": forbidden}


def test_acceptance_1_smoke_works_without_an_account_and_without_leaving_the_machine(
    machine: Any,
) -> None:
    lonely = {"VOICECALL_STATE_DIR": str(machine.root / "lonely")}
    ran = machine.run("smoke", "--yes", "--json", **lonely, **watched(machine, "outside"))
    assert (ran.code, ran.published("smoke")["ok"]) == (0, True), ran
    assert ran.document["call"]["state"] == "completed"
    assert {finding["severity"] for finding in ran.document["findings"]} == {"ok"}


def test_acceptance_3_a_command_is_a_client_of_the_gateway_and_binds_no_port(
    machine: Any, server: Any
) -> None:
    ran = machine.run(
        "call", "-t", BOB, "-m", "Hi", "--no-wait", "--json", **watched(machine, "bind")
    )
    assert ran.code == 0, ran
    binding = [sys.executable, "-c", "import socket; socket.socket().bind(('', 0))"]
    caught = subprocess.run(binding, env={**os.environ, **watched(machine, "bind")})
    assert caught.returncode == 1
    assert server.find(ran.document["callId"])["to"] == BOB
    assert machine.run("end", "--call-id", ran.document["callId"]).code == 0


def test_acceptance_4_a_notify_call_is_waited_for_and_no_longer(machine: Any, server: Any) -> None:
    ran = machine.run("call", "--mode", "notify", "-t", PATIENT, "-m", "Pizza", "--json")
    left = time.time() * 1000
    call = ran.published("call")["call"]
    assert (ran.code, call["state"], call["endReason"]) == (0, "completed", "completed")
    assert left - call["endedAt"] < 5000  # a second on an idle machine


def test_acceptance_4_no_wait_returns_while_it_rings(machine: Any, server: Any) -> None:
    placed = machine.run("call", "-t", SLOW, "-m", "Hello", "--no-wait", "--json").document
    assert server.find(placed["callId"])["state"] in ("initiated", "ringing")
    assert machine.run("end", "--call-id", placed["callId"]).code == 0


def test_acceptance_4_ctrl_c_detaches_with_a_hint(machine: Any, server: Any) -> None:
    with machine.running("call", "-t", PATIENT, "-m", "Hello") as follower:
        machine.eventually(lambda: "bot" in follower.line())
        follower.interrupt()
        ran = follower.rest()
    (call,) = server.calls()
    hint = f"voicecall end --call-id {call['callId']}"
    assert (ran.code, hint in ran.err, "Traceback" in ran.err) == (130, True, False)
    assert machine.run(*hint.split()[1:]).code == 0


@pytest.mark.parametrize("times", [1, 2])
def test_acceptance_4_without_a_gateway_ctrl_c_hangs_up_and_twice_quits(
    new_machine: Any, times: int
) -> None:
    phones = {BOB: {"steps": [STAY]}}
    lonely = new_machine({"gateway": {"drainTimeoutSeconds": 60}, "mock": {"phones": phones}})
    with lonely.running("call", "-t", BOB, "-m", "Hello") as command:
        lonely.eventually(lambda: "bot" in command.line())
        command.interrupt()
        assert "press Ctrl-C again to quit" in command.line()
        if times > 1:
            command.interrupt()
        ran = command.rest(20)
    assert (ran.code, "Traceback" in ran.err) == (130, False), ran
    assert (": hangup-bot" in ran.out) or times > 1
