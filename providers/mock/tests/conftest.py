"""What do these tests stand on? A gateway's two doors, real sockets, and exact tone speech."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urlencode

import anyio
import httpx
import pytest
from anyio.abc import TaskGroup
from hypercorn.asyncio import serve
from hypercorn.config import Config

from voicecall.sdk import (
    AudioFormat,
    CallOrder,
    CallProvider,
    CarrierCall,
    CarrierCallId,
    CarrierEvent,
    CarrierUnreachable,
    Direction,
    HttpResponse,
    Instruction,
    MediaCommand,
    MediaEvent,
    OpenStream,
    PluginContext,
    ProviderContext,
    StreamOpening,
    StreamToken,
    SttBackend,
    SttContext,
    SystemClock,
    TtsBackend,
    WebhookRequest,
    new_call_id,
)
from voicecall_mock.config import MockConfig
from voicecall_mock.network.server import serving_network
from voicecall_mock.network.tools import NetworkTools
from voicecall_mock.provider import open_provider

Event = TypeVar("Event", bound=CarrierEvent)
SCALE = 20.0
TONES = {"voice": {"provider": "tones"}, "ears": {"provider": "tones"}}


class Speech:
    """`SpeechBackends` over what is installed, without the kernel."""

    def __init__(self, clock: SystemClock, state_dir: Path) -> None:
        self._lent: dict[str, Any] = {
            "http": Http(),
            "clock": clock,
            "logger": logging.getLogger("test"),
            "state_dir": state_dir,
        }

    def tts(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[TtsBackend]:
        spec = _spec("voicecall_tts_backends", name)
        opened = spec.open(spec.config.model_validate(options), PluginContext(**self._lent))
        return opened  # type: ignore[no-any-return]

    def stt(
        self, name: str | None, options: Mapping[str, object]
    ) -> AbstractAsyncContextManager[SttBackend]:
        spec = _spec("voicecall_stt_backends", name)
        opened = spec.open(spec.config.model_validate(options), SttContext(**self._lent))
        return opened  # type: ignore[no-any-return]

    def stt_format(self, name: str | None) -> AudioFormat:
        found: AudioFormat = _spec("voicecall_stt_backends", name).input_format
        return found


def _spec(hook: str, name: str | None) -> Any:
    entries = [each for each in entry_points(group="voicecall") if str(name) in each.name]
    for entry in entries:
        offered = getattr(entry.load(), hook, None)
        for spec in offered() if offered else ():
            if spec.name == name:
                return spec
    raise LookupError(name)


class Http:
    """The kernel's HTTP client, in few lines."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: object | None = None,
        form: Mapping[str, str | list[str]] | None = None,
        basic_auth: tuple[str, str] | None = None,
        timeout_seconds: float = 10.0,
    ) -> HttpResponse:
        async with httpx.AsyncClient(timeout=timeout_seconds, trust_env=False) as client:
            try:
                response = await client.request(
                    method, url, headers=headers, content=content, json=json, auth=basic_auth
                )
            except httpx.HTTPError as error:
                raise CarrierUnreachable(str(error)) from error
        return HttpResponse(
            status=response.status_code, headers=dict(response.headers), body=response.content
        )


class Urls:
    """`CallbackUrls` of a gateway at `base`."""

    def __init__(self, base: str) -> None:
        self.base = base

    def webhook(self, hook: str = "", **query: str) -> str:
        path = f"/voice/webhook/{hook}" if hook else "/voice/webhook"
        return f"http://{self.base}{path}" + (f"?{urlencode(query)}" if query else "")

    def stream(self, token: str) -> str:
        return f"ws://{self.base}/voice/stream/{token}"


class Stream:
    """The gateway's end of one media stream."""

    def __init__(self, provider: CallProvider, scope: Any, send: Any) -> None:
        token = StreamToken(scope["path"].rpartition("/")[2])
        opening = StreamOpening(call_id=new_call_id(), token=token, url=scope["path"])
        self.protocol = provider.media(opening)
        self.events: list[MediaEvent] = []
        self.closed = anyio.Event()
        self._news = anyio.Event()
        self._send = send

    async def send(self, command: MediaCommand) -> None:
        for frame in self.protocol.send(command):
            await self._send({"type": "websocket.send", "text": frame})

    async def send_raw(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def close(self) -> None:
        await self._send({"type": "websocket.close", "code": 1000})

    def take(self, text: str) -> None:
        self.events.extend(self.protocol.receive(text))
        self.notice()

    def notice(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    async def until(self, wanted: Callable[[MediaEvent], bool]) -> MediaEvent:
        """Wait for an event, also one that was seen before."""
        while True:
            for event in self.events:
                if wanted(event):
                    return event
            await self._news.wait()


class GatewayDouble:
    """What the simulated network finds where a gateway is: webhooks in, documents out."""

    def __init__(self, address: str, tasks: TaskGroup) -> None:
        self.urls = Urls(address)
        self.provider: CallProvider
        self.events: list[CarrierEvent] = []
        self.requests: list[WebhookRequest] = []
        self.streams: list[Stream] = []
        self.answer: Callable[[CarrierEvent], Sequence[Instruction]] = lambda event: ()
        self.on_stream: Callable[[Stream], Awaitable[None]] | None = None
        self.statuses: list[int] = []
        """Answers to the next webhooks instead of 200; they are not looked at then."""
        self.network_url = ""
        self._tasks = tasks
        self._news = anyio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self._webhook(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._media(scope, receive, send)

    async def _webhook(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = scope["query_string"].decode()
        request = WebhookRequest(
            method=scope["method"],
            url=f"http://{self.urls.base}{scope['raw_path'].decode()}{'?' if query else ''}{query}",
            hook=scope["path"].removeprefix("/voice/webhook").strip("/"),
            query_string=query,
            headers=tuple((name.decode(), value.decode()) for name, value in scope["headers"]),
            body=body,
            received_at=SystemClock().wall(),
        )
        self.requests.append(request)
        status, document = (self.statuses.pop(0), b"") if self.statuses else self._handle(request)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": document})

    def _handle(self, request: WebhookRequest) -> tuple[int, bytes]:
        webhook = self.provider.verify(request)
        events = self.provider.parse(webhook)
        instructions: list[Instruction] = []
        for event in events:
            self.events.append(event)
            if event.wants_instructions:
                instructions.extend(self.answer(event))
        self._news.set()
        self._news = anyio.Event()
        return 200, self.provider.reply(webhook, instructions).body

    async def _media(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        stream = Stream(self.provider, scope, send)
        self.streams.append(stream)
        self._news.set()
        self._news = anyio.Event()
        if self.on_stream is not None:
            self._tasks.start_soon(self.on_stream, stream)
        while (message := await receive())["type"] == "websocket.receive":
            stream.take(message["text"])
        stream.closed.set()
        stream.notice()

    async def until(
        self, kind: type[Event], wanted: Callable[[Event], bool] = lambda event: True
    ) -> Event:
        """Wait for an event, also one that was seen before."""
        while True:
            for event in self.events:
                if isinstance(event, kind) and wanted(event):
                    return event
            await self._news.wait()

    def kinds(self) -> list[str]:
        """The names of the events so far."""
        return [type(event).__name__ for event in self.events]

    def open_stream(self) -> OpenStream:
        token = StreamToken("token-1")
        return OpenStream(url=self.urls.stream(token), token=token)

    async def place(self, to: str = "+15550001111", **changes: Any) -> CarrierCall:
        """Order a call."""
        values: dict[str, Any] = {
            "call_id": new_call_id(),
            "secret": "s3cret",
            "to_number": to,
            "from_number": "+15550009999",
            "ring_timeout_seconds": 30.0,
            "max_duration_seconds": 300.0,
        }
        order = CallOrder(**{**values, **changes})
        carrier_id = await self.provider.place_call(order)
        return CarrierCall(
            call_id=order.call_id,
            carrier_call_id=CarrierCallId(carrier_id),
            secret=order.secret,
            direction=Direction.OUTBOUND,
            answered=False,
        )

    async def ask_network(self, method: str, path: str, body: object = None) -> Any:
        """A request that needs no registration."""
        http = Http()
        response = await http.request(method, self.network_url + path, json=body)
        return response.json()


@asynccontextmanager
async def gateway_doors() -> AsyncIterator[GatewayDouble]:
    """The double behind a real HTTP and WebSocket server."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    host, port = listener.getsockname()
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        double = GatewayDouble(f"{host}:{port}", tasks)
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        config.graceful_timeout = 2.0
        config.websocket_ping_interval = None

        async def run() -> None:
            app: Any = double
            with anyio.CancelScope(shield=True):
                await serve(app, config, shutdown_trigger=stop.wait, mode="asgi")

        tasks.start_soon(run)
        try:
            yield double
        finally:
            stop.set()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def open_world(
    state_dir: Path, *, scale: float = SCALE, **section: Any
) -> AsyncIterator[GatewayDouble]:
    """A gateway double that uses the real provider with the network inside it."""
    config = section_of(scale=scale, **section)
    async with gateway_doors() as double, provider_for(double, config, state_dir) as provider:
        double.provider = provider
        yield double


def section_of(*, scale: float = SCALE, **section: Any) -> MockConfig:
    """A `mock` section that speaks in tones."""
    return MockConfig.model_validate({"timeScale": scale, **TONES, **section})


@asynccontextmanager
async def network_apart(
    state_dir: Path, *, scale: float = SCALE, port: int = 0, **section: Any
) -> AsyncIterator[str]:
    """A network that is not inside a provider, as `voicecall mock serve` runs it; its URL."""
    clock = SystemClock(scale)
    tools = NetworkTools(
        config=section_of(scale=scale, **section),
        clock=clock,
        speech=Speech(clock, state_dir),
        logger=logging.getLogger("test.network"),
        recordings=None,
    )
    async with serving_network(tools, port=port) as url:
        yield url


@asynccontextmanager
async def provider_for(
    double: GatewayDouble, config: MockConfig, state_dir: Path
) -> AsyncIterator[CallProvider]:
    """The real provider for a gateway at the double's doors."""
    clock = SystemClock(config.time_scale)
    context = ProviderContext(
        urls=double.urls,
        http=Http(),
        clock=clock,
        logger=logging.getLogger("test.mock"),
        state_dir=state_dir,
        from_number="+15550009999",
        speech=Speech(clock, state_dir),
    )
    async with open_provider(config, context) as provider:
        double.network_url = provider._address.url  # type: ignore[attr-defined]
        yield provider


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def bench(tmp_path: Path) -> SimpleNamespace:
    """The parts of a world, to be put together by hand."""
    return SimpleNamespace(
        doors=gateway_doors, network=network_apart, provider=provider_for, section=section_of
    )


@pytest.fixture
def world(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[GatewayDouble]]:
    """`async with world(phones=...) as gateway:`"""

    def open_(**section: Any) -> AbstractAsyncContextManager[GatewayDouble]:
        return open_world(tmp_path, **section)

    return open_
