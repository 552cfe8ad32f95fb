"""What of a gateway do carriers face? A listener, and a public URL that is proved to lead there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial

import anyio

from voicecall.calls.manager import CallManager
from voicecall.carrier_following import CarrierFollowing
from voicecall.config.checks import is_loopback
from voicecall.config.loaded import LoadedConfig
from voicecall.feeding import tell
from voicecall.model.ids import CallId
from voicecall.opening import Exposed
from voicecall.reachability import Reachability, refuse_private
from voicecall.sdk.clock import Clock
from voicecall.sdk.provider import CallProvider
from voicecall.sdk.sink import EventSink, PublicUrlChanged
from voicecall.web.app import WebhookHandler, public_app
from voicecall.web.asgi import AsgiApp
from voicecall.web.media_sockets import MediaSockets
from voicecall.web.probe_door import ProbeDoor, refuse_all
from voicecall.web.prober import SelfProber, Verdict
from voicecall.web.refusals import Refusals
from voicecall.web.server import Bound, serving_on
from voicecall.webhooks.origin import Origin
from voicecall.webhooks.vouching import Vouching

logger = logging.getLogger("voicecall")

Listeners = Callable[[], tuple[CallProvider, Sequence[EventSink]]]


class PublicSide:
    """The public side of one gateway.

    Args:
        loaded: the configuration.
        bound: the port of the public listener.
        exposed: the carrier-facing URLs, and what keeps them up.
        clock: of the gateway.
        listeners: who is told of a changed URL; asked when it changes.

    Raises:
        ConfigError: the URL is one that the carrier cannot reach, as it is written.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        bound: Bound,
        exposed: Exposed,
        *,
        clock: Clock,
        listeners: Listeners,
    ) -> None:
        self._loaded = loaded
        self._settings = loaded.settings
        self._bound = bound
        self._clock = clock
        self._listeners = listeners
        self.urls = exposed.urls
        endpoint, serve = exposed.endpoint, self._settings.serve
        self._hidden = (
            endpoint is not None and endpoint.forwards_from_loopback and is_loopback(serve.bind)
        )
        self.origin = Origin(
            urls=self.urls,
            serve_path=serve.path,
            stream_path=self._settings.streaming.stream_path,
            security=self._settings.webhook_security,
            loopback_forwards=self._hidden,
        )
        self._probes = ProbeDoor(self.origin)
        self.refusals = Refusals()
        self._following = CarrierFollowing(lambda: listeners()[0])
        self.reachability = None
        if endpoint is not None:
            self.reachability = Reachability(
                endpoint,
                self.urls,
                self._prober(),
                clock=clock,
                required=self._settings.reachability.check == "strict",
                moved=self._moved,
            )

    def _prober(self) -> SelfProber | None:
        spec, config = self._loaded.provider.spec, self._loaded.provider.config
        near = not spec.needs_public_url or spec.is_double(config)
        if not near:
            refuse_private(self.urls.webhook())
        if self._settings.reachability.check == "off":
            return None
        return SelfProber(
            door=self._probes,
            private_allowed=near,
            streams=self._settings.streaming.enabled,
        )

    async def require(self) -> None:
        """Before anything else is open: prove the public URL where that is wanted.

        Raises:
            ExposureError: it does not lead to us, and `reachability.check` is strict.
        """
        if self.reachability is None or self._settings.reachability.check != "strict":
            return
        async with self._probes_only():
            await self.reachability.require()

    async def prove(self) -> Verdict | None:
        """Try the public URL once, while nothing else serves the port."""
        if self.reachability is None or self._settings.reachability.check == "off":
            return None
        async with self._probes_only():
            return await self.reachability.prove()

    def _probes_only(self) -> AbstractAsyncContextManager[object]:
        app = self._probes.around(refuse_all)
        return serving_on(app, self._bound.again(), limits=self._settings.limits)

    def verdict(self) -> Verdict | None:
        """What is known of the public URL; None: there is none."""
        if self.reachability is None:
            return None
        return replace(self.reachability.verdict, behind=self._following.problem)

    async def watch(self) -> None:
        """Look after the public URL, for ever."""
        if self.reachability is not None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self.reachability.watch)
                tasks.start_soon(self._following.watch)

    def app(self, handle: WebhookHandler, sockets: MediaSockets | None) -> AsgiApp:
        """What the public listener serves."""
        spec = self._loaded.provider.spec
        app = public_app(
            handle=handle,
            origin=self.origin,
            clock=self._clock,
            settings=self._settings,
            signature_header=spec.signature_header,
            other_signature_headers=spec.other_signature_headers,
            sockets=sockets,
        )
        return self.refusals.around(self._probes.around(app))

    def vouching(self, provider: CallProvider, manager: CallManager) -> Vouching | None:
        """Which requests need no right signature; None: all do."""
        if not self._hidden:
            return None
        logger.warning(
            "development: webhooks whose signature is wrong are accepted from this machine "
            "when their URL shows their call's secret"
        )
        return Vouching(provider=provider, secret_of=partial(_secret_of, manager))

    async def _moved(self, change: PublicUrlChanged) -> None:
        _, sinks = self._listeners()
        tell(sinks, lambda sink: sink.public_url_changed(change))
        await self._following.changed(change.former)


def _secret_of(manager: CallManager, call_id: CallId) -> str | None:
    call = manager.live(call_id)
    return None if call is None else call.record.secret
