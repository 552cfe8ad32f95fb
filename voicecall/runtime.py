"""The composition root: from a loaded configuration to a running gateway, in one `async with`."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from voicecall import __version__
from voicecall.calls.bus import EventBus
from voicecall.calls.manager import CallManager
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.calls.tools import CallTools
from voicecall.config.loaded import LoadedConfig
from voicecall.config.native_voice import native_voice
from voicecall.config.state import (
    GatewayAddress,
    GatewayLock,
    load_or_make_token,
    prepare_state_dir,
    remove_address,
    write_address,
)
from voicecall.errors import ConfigError
from voicecall.media.counters import MediaCounters
from voicecall.media.phrases import PhraseBook, PreparedVoice
from voicecall.media.session import SessionTools
from voicecall.media.tokens import StreamTokens
from voicecall.media.voices import Voices
from voicecall.model.ids import CallId
from voicecall.model.instructions import OpenStream
from voicecall.opening import Opener
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.provider import CallProvider, Capability
from voicecall.sdk.sink import EventSink
from voicecall.service import CallService
from voicecall.streams import Streams
from voicecall.web.app import public_app
from voicecall.web.gateway import gateway_app
from voicecall.web.http_client import open_http_client
from voicecall.web.media_sockets import MediaSockets
from voicecall.web.server import Bound, Listening, bind, serving_on
from voicecall.webhooks.gate import Gate
from voicecall.webhooks.origin import Origin, PublicUrls

logger = logging.getLogger("voicecall")


@dataclass(slots=True, kw_only=True)
class Running:
    """A running gateway.

    Args:
        service: what can be done with calls.
        public: the listener that carriers reach.
        gateway: the private listener.
        urls: the carrier-facing URLs.
        counters: what media sessions carried.
        drain_seconds: how long live calls may go on at the end; may be changed until then.
    """

    service: CallService
    public: Listening
    gateway: Listening
    urls: PublicUrls
    counters: MediaCounters
    drain_seconds: float


@asynccontextmanager
async def running(
    loaded: LoadedConfig,
    *,
    state_dir: Path,
    drain_seconds: float | None = None,
    time_scale: float | None = None,
) -> AsyncIterator[Running]:
    """Run the gateway that `loaded` describes until the block ends; then drain.

    Args:
        loaded: the configuration and the plugins that it selects.
        state_dir: database, recordings, token; made when missing.
        drain_seconds: instead of `gateway.drainTimeoutSeconds`.
        time_scale: call seconds per real second, instead of the provider's own; for doubles of
            a network that run faster than life.

    Raises:
        PortInUse: a port is taken, or another gateway owns the state directory.
        ConfigError: the configuration asks for what its plugins cannot do.
        StoreError: the database cannot be used.
    """
    _require_voice(loaded)
    async with AsyncExitStack() as stack:
        spec, config = loaded.provider.spec, loaded.provider.config
        scale = spec.time_scale(config) if time_scale is None else time_scale
        gateway = _Gateway(loaded, state_dir, stack, scale)
        await gateway.open()
        listeners = await gateway.start()
        patience = loaded.settings.gateway.drain_timeout_seconds
        handle = Running(
            service=gateway.service,
            public=listeners[0],
            gateway=listeners[1],
            urls=gateway.urls,
            counters=gateway.counters,
            drain_seconds=patience if drain_seconds is None else drain_seconds,
        )
        try:
            yield handle
        finally:
            with anyio.CancelScope(shield=True):
                await gateway.manager.settle(handle.drain_seconds)


def _require_voice(loaded: LoadedConfig) -> None:
    spec = loaded.provider.spec
    streaming = loaded.settings.streaming.enabled
    needed = Capability.MEDIA_STREAMS if streaming else Capability.NATIVE_SPEECH
    if needed not in spec.capabilities:
        switch = "false" if streaming else "true"
        raise ConfigError(
            f"provider {spec.name!r} does not offer {needed}; set streaming.enabled to {switch}"
        )


class _Gateway:
    """The parts of a gateway, joined; `stack` takes them apart in reverse order."""

    urls: PublicUrls
    provider: CallProvider
    manager: CallManager
    service: CallService
    counters: MediaCounters

    def __init__(
        self, loaded: LoadedConfig, state_dir: Path, stack: AsyncExitStack, scale: float
    ) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._state_dir = state_dir
        self._stack = stack
        self._clock = SystemClock(scale)
        self._tokens = StreamTokens(self._clock, loaded.settings)
        self._bus = EventBus()
        self._sockets: MediaSockets | None = None
        self.counters = MediaCounters()

    # -- opening: own the state, take the ports, open plugins, join them

    async def open(self) -> None:
        """Everything but the doors."""
        prepare_state_dir(self._state_dir)
        self._stack.enter_context(GatewayLock(self._state_dir))
        serve, gateway = self._settings.serve, self._settings.gateway
        self._public = await self._take(serve.bind, serve.port, "serve.port")
        self._private = await self._take(gateway.bind, gateway.port, "gateway.port")
        opener = Opener(
            self._loaded,
            state_dir=self._state_dir,
            clock=self._clock,
            http=await self._stack.enter_async_context(open_http_client()),
            stack=self._stack,
        )
        here = self._public.listening
        self.urls = await opener.public_urls(here=_reachable(here), host=here.host, port=here.port)
        await self._open_calls(opener)

    async def _take(self, host: str, port: int, setting: str) -> Bound:
        bound = await bind(host, port, setting=setting)
        self._stack.callback(bound.close)
        return bound

    async def _open_calls(self, opener: Opener) -> None:
        settings, spec = self._settings, self._loaded.provider.spec
        named = Path(settings.store).expanduser() if settings.store else None
        opening = open_sqlite_store(named or self._state_dir / "calls.db")
        store = await self._stack.enter_async_context(opening)
        voices = await self._open_voices(opener) if settings.streaming.enabled else None
        speech = None if voices is None else await self._open_speech(opener, voices)
        responder, sinks = await opener.responder(), await opener.sinks()
        self.provider = await opener.provider(self.urls)
        native = native_voice(self._loaded)
        tools = CallTools(
            provider=self.provider,
            provider_name=spec.name,
            store=store,
            bus=self._bus,
            clock=self._clock,
            settings=settings,
            responder=responder,
            open_stream=None if voices is None else self._open_stream,
            prepare=None if voices is None else voices.prepare,
            steers_by_document=spec.steers_by_document,
            digits_end_stream=spec.digits_end_stream,
            detect_machine=settings.voicemail.detect == "carrier"
            and Capability.MACHINE_DETECTION in spec.capabilities,
            voice=native.voice,
            language=native.language,
        )
        self._tasks = await self._stack.enter_async_context(_owned_tasks())
        for sink in sinks:
            self._tasks.start_soon(_feed, sink, self._bus)
        self.manager = CallManager(tools, self._tasks)
        self.service = CallService(self.manager, tools)
        if speech is not None and voices is not None:
            self._sockets = self._door(speech, voices)

    async def _open_voices(self, opener: Opener) -> Voices:
        assert self._loaded.tts is not None  # the loader asks for one when streaming is on
        general = await opener.synthesis(self._loaded.tts)
        own = {
            number: await opener.synthesis(chosen)
            for number, chosen in self._loaded.number_tts.items()
        }
        tasks = await self._stack.enter_async_context(_owned_tasks())
        book = PhraseBook(self._loaded.provider.spec.media_format, tasks, self.counters)
        by_number = {number: PreparedVoice(voice, book) for number, voice in own.items()}
        return Voices(PreparedVoice(general, book), by_number)

    async def _open_speech(self, opener: Opener, voices: Voices) -> SessionTools:
        stt, stt_format = await opener.recognition()
        return SessionTools(
            tts=voices.general,
            stt=stt,
            stt_format=stt_format,
            vad=await opener.vad(),
            media_format=self._loaded.provider.spec.media_format,
            settings=self._settings,
            clock=self._clock,
            counters=self.counters,
        )

    def _open_stream(self, call_id: CallId, later: float) -> OpenStream:
        token = self._tokens.mint(call_id, later=later)
        return OpenStream(url=self.urls.stream(token), token=token)

    def _door(self, speech: SessionTools, voices: Voices) -> MediaSockets:
        streams = Streams(
            self.provider,
            self.manager,
            self._tokens,
            speech,
            voices=voices,
            state_dir=self._state_dir,
            skip_verification=self._settings.skip_signature_verification,
        )
        origin = self._origin()
        return MediaSockets(
            streams,
            urls=origin.stream_urls,
            streaming=self._settings.streaming,
            limits=self._settings.limits,
            shared=origin.shared,
        )

    def _origin(self) -> Origin:
        return Origin(
            urls=self.urls,
            serve_path=self._settings.serve.path,
            stream_path=self._settings.streaming.stream_path,
            security=self._settings.webhook_security,
        )

    # -- doors

    async def start(self) -> tuple[Listening, Listening]:
        """Take up what was live, open the doors, and ask the carrier what we missed."""
        await self.service.count_dials()
        restored = await self.manager.restore()
        public = await self._serve_public()
        for call in restored:
            call.spawn(call.reconcile)
        return public, await self._serve_gateway()

    async def _serve_public(self) -> Listening:
        gate = Gate(
            self.provider,
            self.manager,
            self._clock,
            skip_verification=self._settings.skip_signature_verification,
        )
        app = public_app(
            handle=gate.handle,
            origin=self._origin(),
            clock=self._clock,
            settings=self._settings,
            signature_header=self._loaded.provider.spec.signature_header,
            other_signature_headers=self._loaded.provider.spec.other_signature_headers,
            sockets=self._sockets,
        )
        serving = serving_on(app, self._public, limits=self._settings.limits)
        return await self._stack.enter_async_context(serving)

    async def _serve_gateway(self) -> Listening:
        gateway = self._settings.gateway
        token = (
            load_or_make_token(self._state_dir)
            if gateway.token is None
            else gateway.token.get_secret_value()
        )
        app = gateway_app(self.service, token=token, bind=gateway.bind, tasks=self._tasks)
        serving = serving_on(app, self._private, limits=self._settings.limits)
        listening = await self._stack.enter_async_context(serving)
        # The listener waits for its requests, and event streams would never end.
        self._stack.callback(self._bus.close)
        address = GatewayAddress(
            url=_reachable(listening), token=token, pid=os.getpid(), version=__version__
        )
        write_address(self._state_dir, address)
        self._stack.callback(remove_address, self._state_dir)
        return listening


@asynccontextmanager
async def _owned_tasks() -> AsyncIterator[TaskGroup]:
    """A task group whose tasks end with the block; an error of the block comes out as it is."""
    try:
        async with anyio.create_task_group() as tasks:
            try:
                yield tasks
            finally:
                tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from group.exceptions[0].__cause__
        raise


async def _feed(sink: EventSink, bus: EventBus) -> None:
    """Give `sink` every event; one that fails or falls behind loses events, never a call."""
    while not bus.closed:
        async with bus.subscribe(None) as events:
            async for event in events:
                try:
                    await sink.write(event)
                except Exception:
                    logger.exception("an event sink failed")


def _reachable(listening: Listening) -> str:
    """`listening` as this machine reaches it, also when it is bound to every address."""
    if listening.host in ("0.0.0.0", "::"):
        return Listening(host="127.0.0.1", port=listening.port).url
    return listening.url
