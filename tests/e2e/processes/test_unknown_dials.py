"""What becomes of a call whose gateway died before the carrier had answered the order?"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal

from voicecall.errors import GatewayError
from voicecall_conformance.chaos import FailingFront, RestFault

pytestmark = pytest.mark.crash

FULL = os.environ.get("VOICECALL_FULL") == "1"
BOB = "+15550002222"
FAULTS = (RestFault.SILENT_AFTER, RestFault.SILENT_BEFORE)[: 2 if FULL else 1]
STAY = {"answerAfterMs": 100, "steps": [{"wait": 3_600_000}]}


class Post:
    """Loses the answer to every order, or the order itself, while `fault` is set."""

    def __init__(self, fault: RestFault) -> None:
        self.fault: RestFault | None = fault
        self.lost = threading.Event()

    def choose(self, request: Any) -> RestFault | None:
        if self.fault is None or (request.method, request.path) != ("POST", "/v1/calls"):
            return None
        self.lost.set()
        return self.fault


@contextmanager
def front(target: str, post: Post) -> Iterator[str]:
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(
            FailingFront.opened(target, post.choose, silence=60)
        ) as standing,
    ):
        yield f"http://{standing.host}:{standing.port}"


def place(server: Any) -> None:
    with pytest.raises(GatewayError):  # it dies while it waits
        server.client.call("voicecall.initiate", {"to": BOB, "message": "Hello"})


@pytest.mark.parametrize("fault", FAULTS)
def test_acceptance_30_a_dial_that_nobody_knows_of_is_asked_after_and_never_repeated(
    new_machine: Any, free_port: Any, fault: RestFault
) -> None:
    post, switch = Post(fault), new_machine()
    with switch.running("mock", "serve", "--port", "0", "--no-record") as network:
        url = network.line().split()[-1]
        with front(url, post) as api:
            mock = {"networkUrl": api, "phones": {BOB: STAY}}
            machine = new_machine({"serve": {"port": free_port()}, "mock": mock})
            with machine.serving() as server:
                waiting = threading.Thread(target=place, args=(server,))
                waiting.start()
                assert post.lost.wait(20)
                (call,) = server.calls()
                if fault is RestFault.SILENT_AFTER:
                    machine.eventually(lambda: httpx.get(f"{url}/v1/ledger").json())
                server.kill()
                waiting.join(20)
            post.fault = None
            with machine.serving() as server:
                ledger = httpx.get(f"{url}/v1/ledger").json()
                if fault is RestFault.SILENT_BEFORE:
                    gone = server.until_state(call["callId"], "failed")
                    assert "does not know the call" in gone["endDetail"]
                    assert ledger == []
                else:
                    server.until_state(call["callId"], "listening")
                    assert server.client.call(
                        "voicecall.speak", {"callId": call["callId"], "message": "I am back"}
                    )["success"]
                    server.client.call("voicecall.end", {"callId": call["callId"]})
                orders = httpx.get(f"{url}/v1/ledger").json()
                assert [(one["orderId"], one["received"], one["dialled"]) for one in orders] == [
                    (call["callId"], 1, 1)
                ] * len(ledger)
                assert server.calls() == []
