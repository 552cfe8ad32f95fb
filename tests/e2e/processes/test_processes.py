"""Do the commands work with a gateway in another process, as people and programs use them?"""

from __future__ import annotations

import json
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from voicecall_mock import documents

BOB, ASKED, BUSY, PATIENT = "+15550002222", "+15550003333", "+15550004444", "+15550005555"
SLOW, CALLER, SHOP = "+15550006666", "+15550007777", "+15550008888"
LISTEN, HANG_UP, STAY = {"listen": True}, {"hangUp": True}, {"wait": 3_600_000}
PHONES: dict[str, Any] = {
    BOB: {"answerAfterMs": 100, "steps": [LISTEN, {"say": "I am Bob"}, LISTEN, HANG_UP]},
    ASKED: {"steps": [{"listen": "How many?"}, {"say": "forty two"}, STAY]},
    BUSY: {"outcome": "busy"},
    PATIENT: {"answerAfterMs": 100, "steps": [STAY]},
    SLOW: {"answerAfterMs": 20_000},
    CALLER: {"steps": [LISTEN, {"say": "a table for two"}, LISTEN, HANG_UP]},
}
CHANGES: dict[str, Any] = {
    "inboundPolicy": "allowlist",
    "allowFrom": [CALLER],
    "inboundGreeting": "Luigi here.",
    "fromNumber": SHOP,
    "responder": "scripted",
    "responders": {
        "scripted": {"lines": [{"match": "Bob", "say": "Hello Bob."}, {"say": "Booked."}]}
    },
    "mock": {"phones": PHONES},
}


@pytest.fixture(scope="module")
def machine(new_machine: Any) -> Any:
    return new_machine(CHANGES)


@pytest.fixture(scope="module")
def server(machine: Any) -> Iterator[Any]:
    with machine.serving() as running:
        yield running


def document(ran: Any, code: int = 0) -> Any:
    assert ran.code == code, ran
    return ran.document


# -- calls


def test_a_call_is_followed_to_its_end_from_another_process(machine: Any, server: Any) -> None:
    ran = machine.run("call", "-m", "Who is there?")
    assert ran.code == 0, ran
    said = [line.split(maxsplit=1)[1].split(maxsplit=1) for line in ran.out.splitlines()[:-3]]
    lines = [tuple(words) for words in said if words[0] in ("bot", "user")]
    assert lines == [("bot", "Who is there?"), ("user", "I am Bob"), ("bot", "Hello Bob.")]
    summary, recording, record = ran.out.splitlines()[-3:]
    assert ": hangup-user, talked" in summary
    kept = json.loads(Path(record.removeprefix("record:").strip()).read_bytes())
    assert kept["transcript"][0]["text"] == "Who is there?"
    assert Path(recording.removeprefix("recording:").strip()).read_bytes()[:4] == b"RIFF"


def test_one_call_is_driven_by_commands_of_other_processes(machine: Any, server: Any) -> None:
    placed = document(machine.run("start", "--to", ASKED, "--no-wait", "--json"))
    call_id = placed["callId"]
    assert placed == {"callId": call_id, "initiated": True}
    server.until_state(call_id, "active", "listening")
    on = ("--call-id", call_id, "--json")
    answer = document(machine.run("continue", "-m", "How many?", *on))
    assert answer == {"success": True, "transcript": "forty two"}
    assert document(machine.run("speak", "-m", "Thank you.", *on)) == {"success": True}
    assert document(machine.run("dtmf", "--digits", "12#", *on)) == {"success": True}
    status = document(machine.run("status", *on))
    assert (status["found"], status["call"]["to"]) == (True, ASKED)
    assert call_id in [
        call["callId"] for call in document(machine.run("status", "--json"))["calls"]
    ]
    carrier_id = status["call"]["providerCallId"]
    machine.eventually(lambda: machine.heard(carrier_id) == ["How many?", "Thank you."])
    for _ in range(2):  # ending twice is not an error
        assert document(machine.run("end", *on)) == {"success": True}
    ended = document(machine.run("status", *on))["call"]
    assert (ended["state"], ended["endReason"]) == ("hangup-bot", "hangup-bot")


def test_the_same_commands_speak_to_people_in_plain_lines(machine: Any, server: Any) -> None:
    call_id = machine.run("call", "-t", PATIENT, "-m", "Hello", "--no-wait").out.strip()
    server.until_state(call_id, "listening")
    listed = machine.run("status")
    assert (listed.code, call_id in listed.out, "\n" in listed.out.strip()) == (0, True, False)
    assert machine.run("speak", "--call-id", call_id, "-m", "Again").out == "said\n"
    assert machine.run("end", "--call-id", call_id).out == "ended\n"
    assert machine.run("status").out == "no live calls\n"


def test_tail_writes_one_document_a_change_until_ctrl_c(machine: Any, server: Any) -> None:
    machine.run("call", "-t", BUSY, "-m", "x")
    with machine.running("tail", "--json", "--since", "1") as tail:
        first = json.loads(tail.line())
        placed = document(machine.run("call", "-t", BUSY, "-m", "x", "--no-wait", "--json"))
        assert first["callId"] != placed["callId"]
        changes = [json.loads(tail.line())]
        while "endedAt" not in changes[-1]:
            changes.append(json.loads(tail.line()))
        tail.interrupt()
        assert tail.rest().code == 130
    assert {change["callId"] for change in changes} == {placed["callId"]}
    assert changes[-1]["endReason"] == "busy"
    past = machine.run("tail", "--no-follow", "--since", "1", "--json")
    assert json.loads(past.out) == changes[-1]


# -- inbound


def test_somebody_calls_and_both_sides_are_heard(machine: Any, server: Any) -> None:
    ran = machine.run("mock", "dial", "--from", CALLER, "--to", SHOP)
    assert ran.code == 0, ran
    assert [word for word in ("Luigi here.", "a table for two", "Booked.") if word in ran.out] == [
        "Luigi here.",
        "a table for two",
        "Booked.",
    ]
    last = json.loads(machine.run("tail", "--no-follow", "--since", "1", "--json").out)
    assert (last["direction"], last["from"], last["state"]) == ("inbound", CALLER, "hangup-user")


def test_a_caller_who_is_not_allowed_hears_nothing_and_is_recorded(
    machine: Any, server: Any
) -> None:
    told = document(machine.run("mock", "dial", "--from", BOB, "--to", SHOP, "--json"))
    assert (told["cause"], told["lines"]) == ("rejected", [])
    last = json.loads(machine.run("tail", "--no-follow", "--since", "1", "--json").out)
    assert last["refused"] == "policy.notAllowed"


# -- exit codes


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        (2, ("call",)),
        (2, ("speak", "--call-id", "x")),
        (2, ("call", "-t", "not a number", "-m", "x")),
        (2, ("start", "-t", BOB, "--mode", "notify")),
        (6, ("call", "-t", "+19005550123", "-m", "x")),
        (8, ("call", "-t", BUSY, "-m", "x")),
        (10, ("status", "--call-id", "nobody")),
        (10, ("end", "--call-id", "nobody")),
        (10, ("continue", "--call-id", "nobody", "-m", "x")),
    ],
)
def test_the_exit_code_says_what_went_wrong(
    machine: Any, server: Any, code: int, arguments: tuple[str, ...]
) -> None:
    ran = machine.run(*arguments, "--json")
    assert (ran.code, type(ran.document)) == (code, dict), ran
    assert "Traceback" not in ran.err


def test_a_wrong_token_is_refused_and_shown_nowhere(machine: Any, server: Any) -> None:
    ran = machine.run("status", "--json", VOICECALL_TOKEN="canary-5d2f")
    assert document(ran, code=5)["error"]["code"] == "AUTHENTICATION"
    assert "canary-5d2f" not in ran.out + ran.err + server.errors


def test_a_second_gateway_on_the_same_state_directory_is_refused(machine: Any, server: Any) -> None:
    ran = machine.run("serve", "--json")
    assert document(ran, code=3)["error"]["code"] == "CONFIG"
    assert f"process {server.popen.pid}" in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert machine.run("status").code == 0


def test_the_address_of_the_gateway_is_private(machine: Any, server: Any) -> None:
    address = machine.state / "gateway.json"
    assert stat.S_IMODE(address.stat().st_mode) == 0o600
    assert json.loads(address.read_text())["pid"] == server.popen.pid


# -- without a gateway


def test_without_a_gateway_only_calls_bring_their_own(
    new_machine: Callable[..., Any],
) -> None:
    lonely = new_machine(CHANGES)
    for command in (("status",), ("tail",), ("end", "--call-id", "x")):
        assert document(lonely.run(*command, "--json"), code=4)["error"]["code"] == "UNREACHABLE"
    ran = lonely.run("call", "-m", "Who is there?", "--json")
    call = document(ran)["call"]
    assert call["state"] == "hangup-user"
    assert [line["text"] for line in call["transcript"]] == [
        "Who is there?",
        "I am Bob",
        "Hello Bob.",
    ]
    assert not (lonely.state / "gateway.json").exists()


# -- the end


def states(machine: Any) -> list[tuple[str, str]]:
    """State and detail of every call's end, oldest first, read from the store itself."""
    with closing(sqlite3.connect(machine.state / "calls.db")) as store:
        assert store.execute("SELECT count(*) FROM calls WHERE live").fetchone() == (0,)
        query = "SELECT body FROM events WHERE kind = 'CallFinished' ORDER BY at"
        bodies = [json.loads(body) for (body,) in store.execute(query)]
    return [(body["state"], body.get("detail") or "") for body in bodies]


def test_acceptance_3_a_stranger_on_the_port_is_told_in_one_line(
    new_machine: Callable[..., Any],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        machine = new_machine({"serve": {"port": port}})
        ran = machine.run("serve", "--json")
    assert document(ran, code=3)["error"]["code"] == "CONFIG"
    (line,) = ran.err.strip().splitlines()
    assert str(port) in line and "serve.port" in line
    assert not (machine.state / "gateway.json").exists()


def test_sigterm_lets_a_call_finish_and_its_follower_sees_the_end(
    new_machine: Callable[..., Any],
) -> None:
    steps = [{"listen": "Goodbye"}, {"say": "bye"}, HANG_UP]
    machine = new_machine({"mock": {"phones": {BOB: {"steps": steps}}}})
    with machine.serving() as server, machine.running("call", "-m", "Hello") as follower:
        machine.eventually(lambda: "bot" in follower.line())
        server.popen.terminate()
        machine.eventually(lambda: httpx.get(f"{server.client.url}/readyz").status_code == 503)
        refused = machine.run("call", "-m", "Hello", "--json")
        assert document(refused, code=6)["error"]["details"]["kind"] == "draining"
        (call,) = server.calls()
        assert machine.run("speak", "--call-id", call["callId"], "-m", "Goodbye").code == 0
        ran = follower.rest()
        assert (ran.code, ": hangup-user" in ran.out) == (0, True), ran
        assert server.rest().code == 0
        assert "Traceback" not in server.errors
    assert states(machine) == [("hangup-user", "")]
    assert not (machine.state / "gateway.json").exists()


BEGUN = (
    b"POST /voice/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n"
    b"x-mock-signature: t=1,v1=0\r\n\r\n{"
)
"""A request whose body does not go on."""


def test_after_the_drain_timeout_what_is_left_is_hung_up_and_serve_exits_0(
    new_machine: Callable[..., Any], webhook: Any
) -> None:
    phones = {BOB: {"steps": [STAY]}, SLOW: {"answerAfterMs": 3_600_000}}
    machine = new_machine(
        {
            "ringTimeoutMs": 3_600_000,
            "gateway": {"drainTimeoutSeconds": 0.5},
            "mock": {"phones": phones},
        }
    )
    with machine.serving() as server:
        live = server.client.call("voicecall.initiate", {"to": BOB, "message": "Hello"})["callId"]
        odd = server.client.call("voicecall.initiate", {"to": SLOW, "message": "Hello"})["callId"]
        server.until_state(live, "listening")
        public, carrier_id = server.ready["public"], server.find(odd)["providerCallId"]
        letter = webhook(
            machine.network, public, "call.answered", carrier_id, wants_instructions=True
        )
        (stream,) = documents.read(httpx.post(**letter).content)
        address = urlsplit(public)
        with (
            connect(stream.url) as idle,
            socket.create_connection((address.hostname, address.port)) as slow,
        ):
            slow.sendall(BEGUN)
            server.popen.terminate()
            with pytest.raises(ConnectionClosed):
                idle.recv(timeout=20)
        assert server.rest().code == 0
        assert "Traceback" not in server.errors
    assert states(machine) == [("hangup-bot", "the gateway shut down")] * 2
