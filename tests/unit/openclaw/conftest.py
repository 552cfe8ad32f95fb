"""Clients of the gateway WebSocket: strict ones on real sockets, and one in memory."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from runpy import run_path
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from jsonschema import Draft202012Validator
from nacl.signing import SigningKey
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.errands import Errands
from voicecall.rpc.methods import RpcContext
from voicecall.rpc.openclaw_connect import Policy
from voicecall.web.openclaw_session import Ending, OpenClawSession

_above = run_path(str(Path(__file__).parent.parent / "conftest.py"))

WAIT = 15.0
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
POSITIVE = {"type": "integer", "minimum": 1}
TEXTS = {"type": "array", "items": TEXT}


def exactly(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


ERROR = exactly(
    {"code": TEXT, "message": TEXT},
    details={},
    retryable={"type": "boolean"},
    retryAfterMs=COUNT,
)
RESPONSE = exactly(
    {"type": {"const": "res"}, "id": TEXT, "ok": {"type": "boolean"}}, payload={}, error=ERROR
)
EVENT = exactly({"type": {"const": "event"}, "event": TEXT}, payload={}, seq=COUNT)
VERSIONS = exactly({"presence": COUNT, "health": COUNT})
SNAPSHOT = exactly(
    {"presence": {"type": "array"}, "health": {}, "stateVersion": VERSIONS, "uptimeMs": COUNT}
)
POLICY = exactly({"maxPayload": POSITIVE, "maxBufferedBytes": POSITIVE, "tickIntervalMs": POSITIVE})
HELLO = {
    "type": {"const": "hello-ok"},
    "protocol": POSITIVE,
    "server": exactly({"version": TEXT, "connId": TEXT}),
    "features": exactly({"methods": TEXTS, "events": TEXTS}),
    "snapshot": SNAPSHOT,
    "policy": POLICY,
}
TOKEN_INFO = exactly({"deviceToken": TEXT, "role": TEXT, "scopes": TEXTS})
ROLE_INFO = exactly({"role": TEXT, "scopes": TEXTS}, deviceToken=TEXT)
HELLOS = {3: exactly(HELLO, auth=TOKEN_INFO), 4: exactly(HELLO | {"auth": ROLE_INFO})}
"""What the releases of March (3) and of September 2026 (4) accept."""

_VALIDATORS = {"res": Draft202012Validator(RESPONSE), "event": Draft202012Validator(EVENT)}


def taken(frame: dict[str, Any]) -> dict[str, Any]:
    """`frame`, when it is one that strict clients take."""
    _VALIDATORS[frame["type"]].validate(frame)
    return frame


def whole_hello(payload: dict[str, Any], protocol: int) -> None:
    """Raise unless a strict client of `protocol` accepts the hello."""
    Draft202012Validator(HELLOS[protocol]).validate(payload)


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Device:
    """A key pair that signs connect requests as OpenClaw's clients do."""

    def __init__(self) -> None:
        self._key = SigningKey.generate()
        self.public = bytes(self._key.verify_key)

    def sign(self, params: dict[str, Any], nonce: str, signed_at: int) -> dict[str, Any]:
        """The `device` of `params`."""
        client = params["client"]
        identity = hashlib.sha256(self.public).hexdigest()
        text = "|".join(
            [
                "v3",
                identity,
                client["id"],
                client["mode"],
                params["role"],
                ",".join(params["scopes"]),
                str(signed_at),
                params["auth"].get("token", ""),
                nonce,
                client["platform"].strip().lower(),
                client.get("deviceFamily", "").strip().lower(),
            ]
        )
        return {
            "id": identity,
            "publicKey": b64(self.public),
            "signature": b64(self._key.sign(text.encode()).signature),
            "signedAt": signed_at,
            "nonce": nonce,
        }


def connect_params(protocol: int = 4, **auth: str) -> dict[str, Any]:
    """What a command-line client asks for."""
    return {
        "minProtocol": protocol,
        "maxProtocol": protocol,
        "client": {
            "id": "cli",
            "version": "2026.9.6",
            "platform": " Linux ",
            "deviceFamily": "Linux",
            "mode": "cli",
        },
        "caps": [],
        "role": "operator",
        "scopes": ["operator.read", "operator.write"],
        "auth": auth,
    }


def request(method: str, params: Any = None, frame_id: str = "1") -> str:
    """A request frame."""
    frame = {"type": "req", "id": frame_id, "method": method}
    return json.dumps(frame if params is None else frame | {"params": params})


class StrictClient:
    """Does what OpenClaw's client does, but raises where that one drops a frame.

    Args:
        socket: open.
        protocol: 3 or 4.
    """

    def __init__(self, socket: ClientConnection, protocol: int) -> None:
        self.socket = socket
        self.protocol = protocol
        self.events: list[dict[str, Any]] = []
        self.challenge: dict[str, Any] = {}
        self._sent = 0
        self._answers: dict[str, dict[str, Any]] = {}

    def read(self) -> dict[str, Any]:
        """The next frame, which must be one that such a client takes."""
        text = self.socket.recv(timeout=WAIT)
        assert isinstance(text, str)
        frame = taken(json.loads(text))
        if frame["type"] == "res":
            assert ("error" in frame) != frame["ok"], frame
            self._answers[frame["id"]] = frame
        elif "seq" in frame:
            self.events.append(frame)
            assert [each["seq"] for each in self.events] == list(range(1, len(self.events) + 1))
        return frame

    def challenged(self) -> str:
        """The nonce."""
        frame = self.read()
        assert (frame["event"], set(frame["payload"])) == ("connect.challenge", {"nonce", "ts"})
        assert frame["payload"]["ts"] > 1_700_000_000_000
        self.challenge = frame["payload"]
        return str(self.challenge["nonce"])

    def connect(self, **auth: str) -> dict[str, Any]:
        """Shake hands; the hello."""
        self.challenged()
        answer = self.ask("connect", connect_params(self.protocol, **auth))
        assert answer["ok"], answer
        hello: dict[str, Any] = answer["payload"]
        whole_hello(hello, self.protocol)
        assert hello["protocol"] == self.protocol
        return hello

    def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        """The answer to a request."""
        return self.answer(self.send(method, params))

    def send(self, method: str, params: Any = None) -> str:
        """Send a request; its id."""
        self._sent += 1
        self.socket.send(request(method, params, f"r{self._sent}"))
        return f"r{self._sent}"

    def answer(self, frame_id: str) -> dict[str, Any]:
        """The answer to the request with this id, whatever comes before."""
        while frame_id not in self._answers:
            self.read()
        return self._answers.pop(frame_id)

    def until(self, name: str, **fields: object) -> dict[str, Any]:
        """The payload of the first event of this name with these fields."""
        seen = 0
        while True:
            for event in self.events[seen:]:
                payload: dict[str, Any] = event["payload"]
                if event["event"] == name and payload | fields == payload:
                    return payload
            seen = len(self.events)
            self.read()

    def closed(self) -> tuple[int, str]:
        """Code and reason once the gateway has closed."""
        while self.socket.close_code is None:
            try:
                self.read()
            except ConnectionClosed:
                break
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@pytest.fixture
def client(gateway: Any) -> Iterator[Callable[..., StrictClient]]:
    """``client(protocol=3)``: a strict client, not yet let in."""
    opened = ExitStack()

    def open_client(
        protocol: int = 4, path: str = "/", host_header: str | None = None, **options: Any
    ) -> StrictClient:
        parts = urlsplit(gateway.url)
        tcp = socket.create_connection((parts.hostname, parts.port), timeout=WAIT)
        url = f"ws://{host_header or parts.netloc}{path}"
        opening = connect(url, sock=tcp, open_timeout=WAIT, close_timeout=1, **options)
        return StrictClient(opened.enter_context(opening), protocol)

    with opened:
        yield open_client


class Wire:
    """A socket in memory; `client_sends` and `frames` are the client's end."""

    def __init__(self) -> None:
        self.client_sends, self._inbox = anyio.create_memory_object_stream[Any](math.inf)
        self.closed: Ending | None = None
        self._outbox, self.frames = anyio.create_memory_object_stream[Any](math.inf)

    async def receive(self) -> str | bytes | None:
        try:
            frame: str | bytes = await self._inbox.receive()
        except anyio.EndOfStream:
            return None
        return frame

    async def send(self, frame: str | bytes) -> None:
        self._outbox.send_nowait(json.loads(frame))

    async def close(self, code: int, reason: str = "") -> None:
        self.closed = (code, reason)
        self.client_sends.close()

    def drop(self) -> None:
        for end in (self.client_sends, self._inbox, self._outbox, self.frames):
            end.close()


class Connection:
    """A session in memory. `ending` is there when it is over."""

    def __init__(self, session: OpenClawSession, wire: Wire, service: Any) -> None:
        self.session = session
        self.wire = wire
        self.service = service
        self.ending: Ending | None = None
        self.ended = anyio.Event()
        self.seen: list[dict[str, Any]] = []

    async def run(self) -> None:
        self.ending = await self.session.run()
        self.ended.set()

    async def read(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self.wire.frames.receive()
        self.seen.append(frame)
        return frame

    def send(self, frame: str | bytes) -> None:
        self.wire.client_sends.send_nowait(frame)

    async def let_in(self) -> None:
        await self.read()
        self.send(request("connect", connect_params(4, token="t"), "c"))
        answer = await self.read()
        assert answer["ok"], answer

    async def answer(self, frame_id: str) -> dict[str, Any]:
        while True:
            frame = await self.read()
            if frame.get("id") == frame_id:
                return frame


class StillClock:
    """Any date will do."""

    scale = 1.0

    def wall(self) -> float:
        return 1_800_000_000.0

    def now(self) -> float:
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


@pytest.fixture(scope="session")
def connection() -> Callable[[], AbstractAsyncContextManager[Connection]]:
    """``async with connection() as one``: a session over a scripted service, token ``t``."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Connection]:
        service, wire = _above["ScriptedService"](), Wire()
        async with anyio.create_task_group() as errands, anyio.create_task_group() as tasks:
            session = OpenClawSession(
                wire,
                context=RpcContext(service=service, errands=Errands(errands)),
                doorkeeper=Doorkeeper(token="t", bind="127.0.0.1", password="p"),
                policy=Policy(
                    max_payload=100_000, max_buffered_bytes=100_000, tick_interval_ms=15_000
                ),
                clock=StillClock(),
                started_at=anyio.current_time(),
                peer="127.0.0.1",
                on_admitted=lambda: None,
            )
            one = Connection(session, wire, service)
            tasks.start_soon(one.run)
            try:
                yield one
            finally:
                errands.cancel_scope.cancel()
                tasks.cancel_scope.cancel()
        wire.drop()

    return opened


@pytest.fixture(scope="session")
def frames() -> Any:
    """Builders of frames, and what strict clients think of ours."""

    class Frames:
        request = staticmethod(request)
        connect_params = staticmethod(connect_params)
        device = Device
        taken = staticmethod(taken)
        whole_hello = staticmethod(whole_hello)

    return Frames
