"""The composition root: from a loaded configuration to a running gateway, in one `async with`."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from anyio import to_thread

from voicecall import __version__
from voicecall.calls.bus import EventBus
from voicecall.calls.manager import CallManager
from voicecall.calls.sqlite_store import open_sqlite_store
from voicecall.calls.store import CallStore
from voicecall.config.loaded import LoadedConfig
from voicecall.config.schema import GatewaySettings
from voicecall.config.state import (
    GatewayAddress,
    GatewayLock,
    load_or_make_token,
    prepare_state_dir,
    remove_address,
    write_address,
)
from voicecall.errors import ConfigError, Draining
from voicecall.feeding import feeding, tell
from voicecall.generations import (
    CallsOwnStreams,
    changed_keys,
    generations,
    refuse_what_needs_a_restart,
)
from voicecall.leftovers import clear_leftovers
from voicecall.media.counters import MediaCounters
from voicecall.media.tokens import StreamTokens
from voicecall.opening import Opener
from voicecall.public_side import PublicSide
from voicecall.rpc.auth import Doorkeeper
from voicecall.rpc.methods import Reload
from voicecall.rpc.wire import StoredCalls
from voicecall.sdk.clock import SystemClock
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import CallProvider
from voicecall.sdk.sink import EventSink, WebhookHandled
from voicecall.service import CallService
from voicecall.tasks import owned_tasks
from voicecall.web.gateway import gateway_app
from voicecall.web.http_client import open_http_client, open_public_http_client
from voicecall.web.media_sockets import MediaSockets
from voicecall.web.metrics import Sources
from voicecall.web.openclaw_sockets import MAX_PAYLOAD_BYTES
from voicecall.web.refusals import Refusals
from voicecall.web.server import Bound, Listening, bind, serving_on
from voicecall.webhooks.gate import Gate
from voicecall.webhooks.origin import PublicUrls
from voicecall.workshop import Workshop, require_voice

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
        reload: reads the configuration again and puts it into force for the calls to come.
    """

    service: CallService
    public: Listening
    gateway: Listening
    urls: PublicUrls
    counters: MediaCounters
    drain_seconds: float
    reload: Reload


@asynccontextmanager
async def running(
    loaded: LoadedConfig,
    *,
    state_dir: Path,
    drain_seconds: float | None = None,
    time_scale: float | None = None,
    reread: Callable[[], LoadedConfig] | None = None,
) -> AsyncIterator[Running]:
    """Run the gateway that `loaded` describes until the block ends; then drain.

    Args:
        loaded: the configuration and the plugins that it selects.
        state_dir: database, recordings, token; made when missing.
        drain_seconds: instead of `gateway.drainTimeoutSeconds`.
        time_scale: call seconds per real second, instead of the provider's own; for doubles of
            a network that run faster than life.
        reread: reads the configuration anew for a reload, in a thread; None: it cannot be
            reloaded.

    Raises:
        PortInUse: a port is taken, or another gateway owns the state directory.
        ConfigError: the configuration asks for what its plugins cannot do.
        StoreError: the database cannot be used.
    """
    require_voice(loaded)
    async with AsyncExitStack() as stack:
        spec, config = loaded.provider.spec, loaded.provider.config
        scale = spec.time_scale(config) if time_scale is None else time_scale
        gateway = _Gateway(loaded, state_dir, stack, scale, reread)
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
            reload=gateway.reload,
        )
        try:
            yield handle
        finally:
            with anyio.CancelScope(shield=True):
                await gateway.end_reloads()
                await gateway.manager.settle(handle.drain_seconds)


class _Gateway:
    """The parts of a gateway, joined; `stack` takes them apart in reverse order."""

    urls: PublicUrls
    provider: CallProvider
    manager: CallManager
    service: CallService
    counters: MediaCounters

    def __init__(
        self,
        loaded: LoadedConfig,
        state_dir: Path,
        stack: AsyncExitStack,
        scale: float,
        reread: Callable[[], LoadedConfig] | None,
    ) -> None:
        self._loaded = loaded
        self._reread = reread
        self._reloading = anyio.Lock()
        self._reload_under_way = anyio.CancelScope()
        self._ending = False
        self._settings = loaded.settings
        self._state_dir = state_dir
        self._stack = stack
        self._clock = SystemClock(scale)
        self._tokens = StreamTokens(self._clock, loaded.settings)
        self._bus = EventBus()
        self._sockets: MediaSockets | None = None
        self.counters = MediaCounters()
        self._refusals = Refusals()

    # -- opening: own the state, take the ports, open plugins, join them

    async def open(self) -> None:
        """Everything but the doors."""
        prepare_state_dir(self._state_dir)
        self._stack.enter_context(GatewayLock(self._state_dir))
        serve, gateway = self._settings.serve, self._settings.gateway
        self._public = await self._take(serve.bind, serve.port, "serve.port")
        self._private = await self._take(gateway.bind, gateway.port, "gateway.port")
        http = await self._stack.enter_async_context(open_http_client())
        opener = Opener(
            self._loaded,
            state_dir=self._state_dir,
            clock=self._clock,
            http=http,
            stack=self._stack,
        )
        here = self._public.listening
        await clear_leftovers(self._loaded, opener, state_dir=self._state_dir, here=here)
        self._side = PublicSide(
            self._loaded,
            self._public,
            await opener.exposed(here=_reachable(here), host=here.host, port=here.port),
            clock=self._clock,
            listeners=lambda: (self.provider, self._sinks),
        )
        self.urls = self._side.urls
        await self._side.require()
        await self._open_calls(opener, http)

    async def _take(self, host: str, port: int, setting: str) -> Bound:
        bound = await bind(host, port, setting=setting)
        self._stack.callback(bound.close)
        return bound

    async def _open_calls(self, opener: Opener, http: HttpClient) -> None:
        settings = self._loaded.settings
        named = Path(settings.store).expanduser() if settings.store else None
        opening = open_sqlite_store(named or self._state_dir / "calls.db")
        store = await self._stack.enter_async_context(opening)
        self._sinks = await self._open_sinks(opener, store)
        self.provider = await opener.provider(self.urls)
        workshop = Workshop(
            provider=self.provider,
            urls=self.urls,
            store=store,
            bus=self._bus,
            clock=self._clock,
            tokens=self._tokens,
            counters=self.counters,
            http=http,
            state_dir=self._state_dir,
        )
        self._generations = await self._stack.enter_async_context(generations(workshop.make))
        first = await self._generations.begin(self._loaded)
        await self._stack.enter_async_context(feeding(self._sinks, self._bus))
        self._tasks = await self._stack.enter_async_context(owned_tasks())
        self.manager = CallManager(first.tools, self._tasks)
        self.service = CallService(self.manager, first.tools)
        self._gate = Gate(
            self.provider,
            self.manager,
            self._clock,
            skip_verification=settings.skip_signature_verification,
            vouched=self._side.vouching(self.provider, self.manager),
            told=self._tell_webhook,
        )
        if first.streams is not None:
            self._sockets = self._door()

    async def _open_sinks(self, opener: Opener, store: CallStore) -> Sequence[EventSink]:
        if not self._loaded.sinks:
            return ()
        public_http = await self._stack.enter_async_context(open_public_http_client())
        return await opener.sinks(StoredCalls(store), public_http)

    def _tell_webhook(self, webhook: WebhookHandled) -> None:
        tell(self._sinks, lambda sink: sink.webhook_handled(webhook))

    def _door(self) -> MediaSockets:
        origin = self._side.origin
        return MediaSockets(
            CallsOwnStreams(self._generations, self.manager),
            urls=origin.stream_urls,
            streaming=self._settings.streaming,
            limits=self._settings.limits,
            shared=origin.shared,
        )

    # -- another configuration

    async def reload(self) -> tuple[str, ...]:
        """Put the configuration as it is now into force, whole or not at all.

        Returns:
            The keys at the top of the section that have changed.

        Raises:
            ConfigError, PluginError: it cannot be used; the old one stays in force.
            Draining: the gateway is shutting down.
        """
        if self._reread is None:
            raise ConfigError("this gateway ends with its command; 'voicecall serve' can reload")
        async with self._reloading:
            if not self._ending:
                with anyio.CancelScope() as self._reload_under_way:
                    return await self._reload(self._reread)
        raise Draining("draining: the gateway is shutting down and reloads nothing")

    async def _reload(self, reread: Callable[[], LoadedConfig]) -> tuple[str, ...]:
        old = self._generations.current.loaded
        new = await to_thread.run_sync(reread)
        renew = refuse_what_needs_a_restart(old, new, self.provider.renewal)
        self.service.adopt((await self._generations.begin(new)).tools)
        renew()
        self._renew_keys(new.settings.gateway)
        changed = changed_keys(old, new)
        logger.info("configuration reloaded", extra={"changed": list(changed)})
        return changed

    async def end_reloads(self) -> None:
        """Give up a reload that is under way, wholly, and refuse those to come."""
        self._ending = True
        self._reload_under_way.cancel()
        async with self._reloading:
            pass

    # -- doors

    async def start(self) -> tuple[Listening, Listening]:
        """Take up what was live, open the doors, and ask the carrier what we missed."""
        await self.service.count_dials()
        restored = await self.manager.restore()
        public = await self._serve_public()
        for call in restored:
            call.spawn(call.reconcile)
        self._tasks.start_soon(self._side.watch)
        return public, await self._serve_gateway()

    async def _serve_public(self) -> Listening:
        app = self._side.app(self._gate.handle, self._sockets)
        serving = serving_on(app, self._public, limits=self._settings.limits)
        return await self._stack.enter_async_context(serving)

    def _sources(self) -> Sources:
        gate, sockets = self._gate, self._sockets
        counted = Sources(
            media=self.counters,
            webhooks=lambda: gate.counters,
            reach=self._side.verdict,
            refused={
                "public": self._side.refusals.by_status,
                "gateway": self._refusals.by_status,
            },
        )
        if sockets is None:
            return counted
        return replace(
            counted,
            streams=lambda: sockets.connections,
            refused_streams=lambda: sockets.refused,
        )

    async def _serve_gateway(self) -> Listening:
        gateway = self._settings.gateway
        token, password = self._keys(gateway)
        self._doorkeeper = Doorkeeper(token=token, bind=gateway.bind, password=password)
        app = gateway_app(
            self.service,
            doorkeeper=self._doorkeeper,
            tasks=self._tasks,
            reload=self.reload,
            max_unsent_bytes=self._settings.limits.unsent_bytes_per_socket,
            sources=self._sources(),
        )
        serving = serving_on(
            self._refusals.around(app),
            self._private,
            limits=self._settings.limits,
            max_message_bytes=MAX_PAYLOAD_BYTES,
        )
        listening = await self._stack.enter_async_context(serving)
        # The listener waits for its requests, and event streams would never end.
        self._stack.callback(self._bus.close)
        self._gateway_url = _reachable(listening)
        self._write_address(token)
        self._stack.callback(remove_address, self._state_dir)
        return listening

    def _keys(self, gateway: GatewaySettings) -> tuple[str, str | None]:
        """Token and password of `gateway`."""
        password = gateway.password.get_secret_value() if gateway.password else None
        if gateway.token is None:
            return load_or_make_token(self._state_dir), password
        return gateway.token.get_secret_value(), password

    def _renew_keys(self, gateway: GatewaySettings) -> None:
        token, password = self._keys(gateway)
        self._doorkeeper.renew(token=token, password=password)
        self._write_address(token)

    def _write_address(self, token: str) -> None:
        address = GatewayAddress(
            url=self._gateway_url, token=token, pid=os.getpid(), version=__version__
        )
        write_address(self._state_dir, address)


def _reachable(listening: Listening) -> str:
    """`listening` as this machine reaches it, also when it is bound to every address."""
    if listening.host in ("0.0.0.0", "::"):
        return Listening(host="127.0.0.1", port=listening.port).url
    return listening.url
