"""Does the live double stream as Telnyx does? Seen from the gateway's end of the socket."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from voicecall_conformance.phones.gateway import BOB, NUMBER
from voicecall_telnyx.network import TelnyxNetwork
from voicecall_telnyx.network.account import API_KEY
from voicecall_telnyx.network.call import TelnyxCall
from voicecall_telnyx.network.reports import CONNECTION_ID

pytestmark = pytest.mark.anyio

RTP: Mapping[str, object] = {
    "stream_url": "wss://program.example.com/media/tok%2Fen?turn=1",
    "stream_track": "inbound_track",
    "stream_codec": "PCMU",
    "stream_bidirectional_mode": "rtp",
    "stream_bidirectional_codec": "PCMU",
    "stream_bidirectional_target_legs": "self",
}
SECOND = b"\x00" * 8000
STAY = {"wait": 60_000}


class Socket:
    """Our end of a media socket."""

    def __init__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.path = connection.request.path
        self.headers = connection.request.headers
        self._connection = connection

    async def next(self, event: str) -> dict[str, Any]:
        """The next frame of a kind; others are passed over."""
        while True:
            frame: dict[str, Any] = json.loads(await self._connection.recv())
            if frame["event"] == event:
                return frame

    async def send(self, **frame: object) -> None:
        await self._connection.send(json.dumps(frame))

    async def play(self, audio: bytes) -> None:
        await self.send(event="media", media={"payload": base64.b64encode(audio).decode()})

    async def mark(self, name: str) -> None:
        await self.send(event="mark", mark={"name": name})


class Customer:
    """Gives commands, and takes media sockets; nobody takes webhooks."""

    def __init__(
        self,
        network: TelnyxNetwork,
        http: httpx.AsyncClient,
        sockets: MemoryObjectReceiveStream[Socket],
    ) -> None:
        self.network = network
        self._http = http
        self._sockets = sockets

    async def dial(self, **fields: object) -> TelnyxCall:
        order = {"connection_id": CONNECTION_ID, "to": BOB, "from": NUMBER, **fields}
        response = await self._http.post("/v2/calls", json=order)
        leg = self.network.legs[response.raise_for_status().json()["data"]["call_control_id"]]
        assert isinstance(leg.exchange, TelnyxCall)
        return leg.exchange

    async def act(self, call: TelnyxCall, action: str, **fields: object) -> int:
        path = f"/v2/calls/{quote(call.leg.id, safe='')}/actions/{action}"
        return (await self._http.post(path, json=fields)).status_code

    async def socket(self) -> Socket:
        return await self._sockets.receive()


Connected = Callable[..., AbstractAsyncContextManager[Customer]]


@pytest.fixture
def connected(opened: Any) -> Connected:
    """Starts a customer: ``async with connected(*Bob's steps) as customer``."""

    @asynccontextmanager
    async def connecting(
        *steps: Mapping[str, object], refuse: bool = False
    ) -> AsyncIterator[Customer]:
        send, sockets = anyio.create_memory_object_stream[Socket](10)

        def admit(connection: ServerConnection, request: Request) -> Response | None:
            return connection.respond(403, "no") if refuse else None

        async def take(connection: ServerConnection) -> None:
            await send.send(Socket(connection))
            await connection.wait_closed()

        quiet = logging.getLogger("tests.silent")
        quiet.disabled = True
        async with (
            opened({BOB: {"steps": steps}}) as network,
            httpx.AsyncClient(
                base_url=network.base_url,
                headers={"authorization": f"Bearer {API_KEY}"},
                trust_env=False,
            ) as http,
            serve(take, "127.0.0.1", 0, process_request=admit, logger=quiet) as server,
        ):
            network.connect("127.0.0.1", next(iter(server.sockets)).getsockname()[1])
            with send, sockets:
                yield Customer(network, http, sockets)

    return connecting


def kinds(call: TelnyxCall) -> list[str]:
    return [told.kind for told in call.report.told]


async def test_a_stream_tells_whose_it_is_and_what_is_said(connected: Any) -> None:
    async with connected({"say": "hello"}, STAY) as customer:
        call = await customer.dial(**RTP, stream_auth_token="tok", client_state="YQ==")
        socket = await customer.socket()
        assert socket.path == "/media/tok%2Fen?turn=1"
        assert socket.headers["x-telnyx-streaming-auth-token"] == "tok"
        await socket.next("connected")
        start = await socket.next("start")
        assert start["sequence_number"] == "1"
        assert start["start"]["call_control_id"] == call.leg.id
        assert start["start"]["client_state"] == "YQ=="
        assert start["start"]["media_format"]["encoding"] == "PCMU"
        frames = [await socket.next("media") for _ in range(3)]
        assert [frame["media"]["chunk"] for frame in frames] == ["1", "2", "3"]
        assert {frame["stream_id"] for frame in frames} == {start["stream_id"]}
        assert {len(base64.b64decode(frame["media"]["payload"])) for frame in frames} == {160}
        assert "streaming.started" in kinds(call)


async def test_marks_return_when_the_audio_was_played_or_cleared(connected: Any) -> None:
    async with connected(STAY) as customer:
        call = await customer.dial(**RTP)
        socket = await customer.socket()
        await socket.mark("nothing waits")
        assert (await socket.next("mark"))["mark"] == {"name": "nothing waits"}
        await socket.play(SECOND)
        await socket.mark("played")
        await socket.next("mark")
        assert not call.leg.line.to_phone.busy
        await socket.play(SECOND * 25)
        await socket.mark("cleared")
        await socket.send(event="clear")
        assert (await socket.next("mark"))["mark"] == {"name": "cleared"}
        assert not call.leg.line.to_phone.busy
        assert not customer.network.faults


@pytest.mark.parametrize(
    "changes",
    [
        {"stream_bidirectional_mode": "mp3"},
        {"stream_bidirectional_mode": None},
        {"stream_bidirectional_target_legs": "opposite"},
        {"stream_bidirectional_target_legs": None},
    ],
)
async def test_nothing_is_heard_unless_rtp_for_the_own_leg_is_ordered(
    connected: Any, changes: Mapping[str, object]
) -> None:
    async with connected(STAY) as customer:
        order = {name: value for name, value in {**RTP, **changes}.items() if value is not None}
        call = await customer.dial(**order)
        socket = await customer.socket()
        await socket.play(SECOND)
        await socket.mark("over")
        await socket.next("mark")
        assert call.leg.heard == [] and not call.leg.line.to_phone.busy
        assert len(customer.network.faults) == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"event": "dance"}, 100003),
        ({"event": "media", "media": {"payload": "!"}}, 100004),
        ({"event": "media", "media": {"payload": "AAAA"}}, 100004),
        ({"event": "mark", "mark": {"name": "x"}, "stream_id": "y"}, 100003),
    ],
)
async def test_a_frame_that_cannot_be_read_is_an_error_and_no_end(
    connected: Any, frame: Mapping[str, object], code: int
) -> None:
    async with connected(STAY) as customer:
        await customer.dial(**RTP)
        socket = await customer.socket()
        await socket.send(**frame)
        assert (await socket.next("error"))["payload"]["code"] == code
        await socket.mark("still here")
        await socket.next("mark")


async def test_one_stream_at_a_time(connected: Any) -> None:
    async with connected(STAY) as customer:
        call = await customer.dial()
        while await customer.act(call, "streaming_start", **RTP) == 422:
            await anyio.lowlevel.checkpoint()
        first = await customer.socket()
        assert await customer.act(call, "streaming_start", **RTP) == 422
        assert await customer.act(call, "streaming_stop", stream_id="another") == 422
        assert await customer.act(call, "streaming_stop") == 200
        assert await customer.act(call, "streaming_stop") == 422
        assert await customer.act(call, "streaming_start", **RTP) == 200
        stop = await first.next("stop")
        assert stop["stop"]["call_control_id"] == call.leg.id
        second = await customer.socket()
        await second.next("media")
        assert kinds(call).count("streaming.stopped") == 1


async def test_a_key_is_told_in_the_stream_and_by_webhook(connected: Any) -> None:
    async with connected(STAY) as customer:
        call = await customer.dial(**RTP)
        socket = await customer.socket()
        await socket.next("start")
        call.leg.phone_pressed("7")
        assert (await socket.next("dtmf"))["dtmf"] == {"digit": "7"}
        assert "call.dtmf.received" in kinds(call)


async def test_the_end_of_a_call_ends_its_stream(connected: Any) -> None:
    async with connected(STAY) as customer:
        call = await customer.dial(**RTP)
        socket = await customer.socket()
        assert await customer.act(call, "hangup") == 200
        await socket.next("stop")
        await call.leg.finished.wait()
        assert kinds(call)[-2:] == ["streaming.stopped", "call.hangup"]


async def test_a_socket_that_is_refused_is_a_failed_stream(connected: Any) -> None:
    async with connected({"wait": 20_000}, {"hangUp": True}, refuse=True) as customer:
        call = await customer.dial(**RTP)
        await call.leg.finished.wait()
        failed = next(each for each in call.report.told if each.kind == "streaming.failed")
        assert failed.payload["failure_reason"] == "connection_failed"
        assert "streaming.started" not in kinds(call)
