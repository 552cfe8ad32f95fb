"""Does SIGTERM end a gateway in order, whoever is attached to it?"""

from __future__ import annotations

import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from voicecall.errors import GatewayRefused
from voicecall_mock import documents

DRAIN_SECONDS = 4
STAYS, STAYS_TOO, LEAVES, RINGS = "+15550002221", "+15550002222", "+15550002223", "+15550002224"
STAY = {"answerAfterMs": 50, "steps": [{"wait": 3_600_000}]}
PHONES: dict[str, Any] = {
    STAYS: STAY,
    STAYS_TOO: STAY,
    LEAVES: {"answerAfterMs": 50, "steps": [{"listen": "Goodbye"}, {"hangUp": True}]},
    RINGS: {"answerAfterMs": 3_600_000},
}
CHANGES = {
    "ringTimeoutMs": 3_600_000,
    "gateway": {"drainTimeoutSeconds": DRAIN_SECONDS},
    "mock": {"phones": PHONES},
}
BEGUN = (
    b"POST /voice/webhook HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n"
    b"x-mock-signature: t=1,v1=0\r\n\r\n{"
)
"""A request whose body does not go on."""


def idle_stream(machine: Any, server: Any, webhook: Any) -> str:
    """The URL of a media stream of a call whose phone we are."""
    placed = server.client.call("voicecall.initiate", {"to": RINGS, "message": "Hello"})
    carrier_id = server.find(placed["callId"])["providerCallId"]
    letter = webhook(
        machine.network,
        server.ready["public"],
        "call.answered",
        carrier_id,
        wants_instructions=True,
    )
    (stream,) = documents.read(httpx.post(**letter).content)
    return str(stream.url)


def test_acceptance_35_sigterm_drains_and_exits_0_whoever_is_attached(
    new_machine: Any, webhook: Any
) -> None:
    machine = new_machine(CHANGES)
    with machine.serving() as server:
        calls = {
            number: server.client.call("voicecall.initiate", {"to": number, "message": "Hello"})
            for number in (STAYS, STAYS_TOO, LEAVES)
        }
        for placed in calls.values():
            server.until_state(placed["callId"], "listening")
        public = urlsplit(server.ready["public"])
        with (
            connect(idle_stream(machine, server, webhook)) as idle,
            socket.create_connection((public.hostname, public.port)) as slow,
        ):
            slow.sendall(BEGUN)
            server.popen.terminate()
            machine.eventually(lambda: httpx.get(f"{server.client.url}/readyz").status_code == 503)
            with pytest.raises(GatewayRefused) as refused:
                server.client.call("voicecall.initiate", {"to": STAYS, "message": "Hello"})
            assert refused.value.details == {"kind": "draining"}
            leaving = calls[LEAVES]["callId"]
            server.client.call("voicecall.speak", {"callId": leaving, "message": "Goodbye"})
            assert server.until_state(leaving, "hangup-user")
            assert {STAYS, STAYS_TOO} <= {call["to"] for call in server.calls()}
            with pytest.raises(ConnectionClosed):
                idle.recv(timeout=30)
        assert server.rest().code == 0
        assert "Traceback" not in server.errors
    with closing(sqlite3.connect(machine.state / "calls.db")) as store:
        query = "SELECT body FROM events WHERE kind = 'CallFinished'"
        ends = [json.loads(body)["state"] for (body,) in store.execute(query)]
        assert store.execute("SELECT count(*) FROM calls WHERE live").fetchone() == (0,)
    # The call without a voice may have been given up before.
    assert (len(ends), ends.count("hangup-user")) == (4, 1) and ends.count("hangup-bot") >= 2


def test_sigterm_while_a_tunnel_does_not_come_up_ends_the_gateway_and_the_tunnel(
    new_machine: Any, tmp_path: Path
) -> None:
    silent, begun = tmp_path / "cloudflared", tmp_path / "begun"
    silent.write_text(f"#!/bin/sh\necho $$ > {begun}\nexec sleep 60\n")
    silent.chmod(0o700)
    tunnel = {"provider": "cloudflared", "cloudflaredPath": str(silent)}
    machine = new_machine({"tunnel": tunnel})
    with machine.running("serve") as process:
        tunnel_id = int(machine.eventually(lambda: begun.exists() and begun.read_text()))
        assert process.stop() == 0, process.errors
        assert not psutil.pid_exists(tunnel_id)
    assert list((machine.state / "exposures").iterdir()) == []
