"""Do recordings, outboxes, sinks and logs come through a full disk, and does nobody repair it?"""

from __future__ import annotations

import json
import resource
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

STAYS, GOES = "+15550002222", "+15550003333"
PHONES: dict[str, Any] = {
    STAYS: {"answerAfterMs": 100, "steps": [{"wait": 3_600_000}]},
    GOES: {"answerAfterMs": 100, "steps": [{"listen": "Goodbye"}, {"hangUp": True}]},
}
SECRET = "whsec_XFlqL2An+C9ouvHvbSW1IhBT1m8E01GTUMO8ePT3GyE="


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Somebody who is told when calls end."""
    told: list[dict[str, Any]] = []

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Receive) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/calls", told
        server.shutdown()
        thread.join()


def leave_room(server: Any, size: int) -> None:
    """Files of `server` may grow to `size` bytes; -1: without end."""
    _, most = resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.popen.pid, resource.RLIMIT_FSIZE, (size, most))


def speak(server: Any, call_id: str, message: str) -> None:
    server.client.call("voicecall.speak", {"callId": call_id, "message": message})


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others: Linux only")
def test_acceptance_34_whatever_is_written_comes_through_a_full_disk(
    new_machine: Any, tmp_path: Path
) -> None:
    events = tmp_path / "events.jsonl"
    with receiver() as (url, told):
        hook = {"use": "webhooks", "url": url, "secret": SECRET, "allowPrivateNetwork": True}
        machine = new_machine(
            {
                "recording": {"enabled": True},
                "logging": {"level": "debug"},
                "sinks": [hook, {"use": "jsonl", "path": str(events)}],
                "mock": {"phones": PHONES, "record": False},
            }
        )
        with machine.serving() as server:
            ids = {
                number: server.client.call("voicecall.initiate", {"to": number, "message": "Hello"})
                for number in (STAYS, GOES)
            }
            stays, goes = (ids[number]["callId"] for number in (STAYS, GOES))
            for call_id in (stays, goes):
                server.until_state(call_id, "listening")
            leave_room(server, 0)
            ran = machine.run("call", "-t", STAYS, "-m", "Hello", "--json")
            assert (ran.code, "the disk" in ran.document["error"]["message"]) == (1, True), ran
            speak(server, stays, "Hold the line")
            speak(server, goes, "Goodbye")
            carrier_id = server.find(goes)["providerCallId"]
            machine.eventually(lambda: "Goodbye" in machine.heard(carrier_id))
            leave_room(server, -1)
            assert server.until_state(goes, "hangup-user")
            speak(server, stays, "And on it goes")
            again = machine.run("call", "-t", GOES, "-m", "Goodbye", "--json")
            assert again.code == 0, again
            server.client.call("voicecall.end", {"callId": stays})
            ended = server.find(stays)
            # What was said while nothing could be stored is written down when it can be again.
            texts = {line["text"] for line in ended["transcript"]}
            assert texts == {"Hello", "Hold the line", "And on it goes"}
            with wave.open(ended["recording"]) as recording:
                assert recording.getnframes() > 8000
            machine.eventually(lambda: len(told) >= 2)
            assert server.stop() == 0
            # A sink that could not write says where; nothing else fails.
            sinks_failed = server.errors.count("an event sink failed")
            assert server.errors.count("Traceback (") <= sinks_failed
        kept = [json.loads(line) for line in events.read_text().splitlines()]
        assert {event["callId"] for event in kept if event["type"] == "finished"} >= {stays, goes}
