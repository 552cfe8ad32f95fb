"""The public listener on a real port, and clients as blunt as the internet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

import anyio
import pytest
from anyio.abc import SocketStream

from voicecall.config.schema import Settings
from voicecall.media.session import FrameSocket
from voicecall.media.tokens import StreamGrant, StreamTokens
from voicecall.model.ids import CallId, new_call_id
from voicecall.model.media import StreamOpening
from voicecall.sdk.clock import SystemClock
from voicecall.web.app import public_app
from voicecall.web.media_sockets import MediaSockets
from voicecall.web.server import Listening, serving
from voicecall.webhooks.gate import Gate
from voicecall.webhooks.origin import Origin, PublicUrls

# Fixtures of a neighbouring folder; conftest files see only those above them.
_neighbour = run_path(str(Path(__file__).parent.parent / "webhooks" / "conftest.py"))
carrier, make_desk, make_body = (_neighbour[name] for name in ("carrier", "make_desk", "make_body"))

PUBLIC = PublicUrls("https://calls.example/hooks/voice", "wss://calls.example/media")


class Door:
    """Real tokens; what a stream does is up to the test."""

    def __init__(self, settings: Settings) -> None:
        self.call_id = new_call_id()
        self.tokens = StreamTokens(SystemClock(), settings)
        self.openings: list[StreamOpening] = []
        self.refuses: Exception | None = None
        self.session: Callable[[FrameSocket], object] = echo

    def mint(self) -> str:
        return self.tokens.mint(self.call_id)

    def holder(self, token: str) -> CallId | None:
        return self.tokens.holder(token)

    def verify(self, opening: StreamOpening) -> None:
        if self.refuses is not None:
            raise self.refuses

    def redeem(self, token: str) -> StreamGrant | None:
        return self.tokens.redeem(token, lambda call, carrier: True)

    async def serve(self, grant: StreamGrant, opening: StreamOpening, socket: FrameSocket) -> None:
        self.openings.append(opening)
        await self.session(socket)


async def echo(socket: FrameSocket) -> None:
    while (frame := await socket.receive()) is not None:
        await socket.send(frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Everything behind one public listener."""

    listening: Listening
    gate: Gate
    desk: object
    door: Door
    sockets: MediaSockets
    carrier: object

    @property
    def webhook_url(self) -> str:
        return f"{self.listening.url}/voice/webhook"

    def stream_url(self, token: str) -> str:
        return f"ws://127.0.0.1:{self.listening.port}/voice/stream/{token}"

    def signed(self, body: bytes, *, tail: str = "", delivery: str = "d1") -> dict[str, str]:
        signature = self.carrier.sign(PUBLIC.rebuilt(*split(tail)), body)
        return {self.carrier.signature_header: signature, "x-delivery": delivery}

    async def connect(self) -> SocketStream:
        return await anyio.connect_tcp("127.0.0.1", self.listening.port)

    async def answer(self, *sent: bytes) -> bytes:
        """What a blunt client reads until we close."""
        async with await self.connect() as stream:
            for piece in sent:
                await stream.send(piece)
            return await read_all(stream)


def split(tail: str) -> tuple[str, str]:
    path, _, query = tail.partition("?")
    return path, query


async def read_all(stream: SocketStream) -> bytes:
    read = b""
    try:
        while True:
            read += await stream.receive()
    except anyio.EndOfStream:
        return read


@pytest.fixture(scope="session")
def edge(carrier, make_desk) -> Callable[..., AbstractAsyncContextManager[Edge]]:
    """``async with edge(limits={...}, streaming={...}) as one``."""

    @asynccontextmanager
    async def opened(
        *, drain_seconds: float = 0.05, shared: bool = True, **config: object
    ) -> AsyncIterator[Edge]:
        settings = Settings.model_validate(config)
        desk, door, clock = make_desk(), Door(settings), SystemClock()
        gate = Gate(carrier, desk, clock)
        origin = Origin(
            urls=PUBLIC,
            serve_path=settings.serve.path,
            stream_path=settings.streaming.stream_path,
            security=settings.webhook_security,
        )
        sockets = MediaSockets(
            door,
            urls=origin.stream_urls,
            streaming=settings.streaming,
            limits=settings.limits,
            shared=lambda peer: shared,
        )
        app = public_app(
            handle=gate.handle,
            origin=origin,
            clock=clock,
            settings=settings,
            signature_header=carrier.signature_header,
            sockets=sockets,
        )
        listener = serving(
            app,
            "127.0.0.1",
            0,
            setting="serve.port",
            limits=settings.limits,
            drain_seconds=drain_seconds,
        )
        with anyio.fail_after(30):
            async with listener as listening:
                yield Edge(
                    listening=listening,
                    gate=gate,
                    desk=desk,
                    door=door,
                    sockets=sockets,
                    carrier=carrier,
                )

    return opened
