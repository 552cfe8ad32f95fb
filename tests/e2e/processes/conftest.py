"""Gateways, networks and commands in processes of their own, used as people use them."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator

from voicecall.cli.client import GatewayClient
from voicecall.cli.documents import schema_of
from voicecall.config.state import read_address as read_gateway
from voicecall_mock.orders import NetworkAddress, read_address
from voicecall_mock.webhooks import SIGNATURE_HEADER, Report, sign

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 20.0) -> T:
    """What `look` gives once it is true; an `AssertionError` of it counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = look()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            if found:
                return found
            assert time.monotonic() < deadline, f"not within {seconds:g} s: {found!r}"
        time.sleep(0.02)


@dataclass(frozen=True)
class Ran:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Stdout, which must be exactly one JSON document, as plain text."""
        assert "\x1b" not in self.out, self.out
        return json.loads(self.out)

    def published(self, command: str) -> Any:
        """The same, checked against the schema that is published for `command`."""
        document = self.document
        Draft202012Validator(schema_of(command)).validate(document)
        return document


@dataclass
class Process:
    """A command that runs on. Its stderr goes to a file."""

    popen: subprocess.Popen[str]
    log: Path
    unread: bytes = field(default=b"", init=False)

    def line(self, seconds: float = 20.0) -> str:
        """The next line of its stdout; empty at its end."""
        assert self.popen.stdout is not None
        while b"\n" not in self.unread:
            ready, _, _ = select.select([self.popen.stdout], [], [], seconds)
            assert ready, f"no output within {seconds:g} s; {self.errors}"
            more = os.read(self.popen.stdout.fileno(), 65536)
            if not more:
                break
            self.unread += more
        line, end, self.unread = self.unread.partition(b"\n")
        return (line + end).decode()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.popen.send_signal(signal.SIGINT)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.popen.terminate()
        return self.popen.wait(20)

    def kill(self) -> None:
        """SIGKILL."""
        self.popen.kill()
        self.popen.wait(20)

    def rest(self, seconds: float = 60.0) -> Ran:
        """Wait for its end; what it wrote since the last `line`."""
        out, _ = self.popen.communicate(timeout=seconds)
        return Ran(code=self.popen.returncode, out=self.unread.decode() + out, err=self.errors)

    @property
    def errors(self) -> str:
        """What it wrote to stderr."""
        return self.log.read_text()


@dataclass
class Server(Process):
    """A gateway in a process of its own, and ready."""

    ready: dict[str, Any] = field(default_factory=dict)
    client: GatewayClient = field(default_factory=lambda: GatewayClient("http://127.0.0.1:1", ""))

    def calls(self) -> list[dict[str, Any]]:
        """Its live calls."""
        return list(self.client.call("voicecall.status")["calls"])

    def find(self, call_id: str) -> dict[str, Any]:
        """A call that it knows."""
        answer = self.client.call("voicecall.status", {"callId": call_id})
        assert answer["found"], f"call {call_id} is not found"
        return dict(answer["call"])

    def until_state(self, call_id: str, *states: str) -> dict[str, Any]:
        """A call once it is in one of `states`."""

        def look() -> dict[str, Any]:
            call = self.find(call_id)
            assert call["state"] in states, call
            return call

        return eventually(look)


@dataclass
class Machine:
    """A machine of its own: a configuration, a state directory, and a terminal."""

    root: Path
    environ: dict[str, str]
    eventually: Callable[..., Any] = staticmethod(eventually)

    @property
    def state(self) -> Path:
        """The state directory."""
        return self.root / "state"

    def configure(self, text: str) -> None:
        """Write the configuration."""
        (self.root / "voicecall.json5").write_text(text)

    @contextmanager
    def running(self, *arguments: str, **environ: str) -> Iterator[Process]:
        """A command that runs until the block ends, at the latest."""
        log = self.root / f"{uuid.uuid4().hex}.log"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                [
                    str(Path(sys.executable).with_name("voicecall")),
                    *("--config", str(self.root / "voicecall.json5")),
                    *arguments,
                ],
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as popen,
        ):
            try:
                yield Process(popen, log)
            finally:
                popen.kill()

    def run(self, *arguments: str, **environ: str) -> Ran:
        """A command to its end."""
        with self.running(*arguments, **environ) as process:
            return process.rest()

    @contextmanager
    def serving(self, **environ: str) -> Iterator[Server]:
        """A gateway, ready."""
        with self.running("serve", "--json", **environ) as process:
            line = process.line(60)
            assert line, process.errors
            found = read_gateway(self.state)
            assert found is not None, (line, process.errors)
            client = GatewayClient(found.url, found.token)
            yield Server(process.popen, process.log, json.loads(line), client)

    @property
    def network(self) -> NetworkAddress:
        """The simulated network, as the gateway last used it."""
        address = read_address(self.state)
        assert address is not None
        return address

    def heard(self, carrier_call_id: str) -> list[str]:
        """What the phone of a call understood of us so far."""
        answer = httpx.get(f"{self.network.url}/v1/calls/{carrier_call_id}/lines?after=0")
        return [line["text"] for line in answer.json()["lines"] if line["kind"] == "heard"]


def webhook(
    network: NetworkAddress, public: str, kind: str, carrier_call_id: str, **fields: Any
) -> dict[str, Any]:
    """A webhook as the network would send it, as arguments of httpx's `post`."""
    name, url = uuid.uuid4().hex, f"{public}/voice/webhook"
    report = Report(
        delivery_id=name,
        event_id=name,
        kind=kind,
        call_id=carrier_call_id,
        occurred_at=time.time(),
        **fields,
    )
    body = msgspec.json.encode(report)
    signature = sign(key=network.secret, at=int(time.time()), method="POST", url=url, body=body)
    headers = {"content-type": "application/json", SIGNATURE_HEADER: signature}
    return {"url": url, "content": body, "headers": headers}


@pytest.fixture(name="webhook")
def webhook_fixture() -> Callable[..., dict[str, Any]]:
    """Forges webhooks: ``webhook(network, public_url, kind, carrier_call_id, **fields)``."""
    return webhook


@pytest.fixture(scope="session")
def new_machine(
    tmp_path_factory: pytest.TempPathFactory,
    config_of: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[..., Machine]:
    """Makes machines: ``new_machine(configuration changes)``."""

    def make(changes: dict[str, Any] | None = None) -> Machine:
        root = tmp_path_factory.mktemp("machine")
        kept = {name: value for name, value in os.environ.items() if "VOICECALL" not in name}
        state = str(root / "state")
        made = Machine(root, {**kept, "HOME": str(root), "VOICECALL_STATE_DIR": state})
        made.configure(json.dumps(config_of(changes or {})))
        return made

    return make


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """Finds a port that nobody uses."""

    def find() -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return int(listener.getsockname()[1])

    return find
