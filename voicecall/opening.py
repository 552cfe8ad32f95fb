"""How do the selected plugins come alive? One after the other, each closed in reverse order."""

from __future__ import annotations

import logging
import math
from abc import ABCMeta
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import anyio

from voicecall.config.hiding import hiding
from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.errors import PluginError, VoicecallError
from voicecall.media.synthesis import Synthesis
from voicecall.model.media import AudioFormat
from voicecall.plugins.speech import InstalledSpeech
from voicecall.sdk.clock import Clock
from voicecall.sdk.exposure import PublicEndpoint
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import CallbackUrls, CallProvider, ProviderContext
from voicecall.sdk.responder import Responder
from voicecall.sdk.sink import EventSink, Showing
from voicecall.sdk.specs import (
    ExposureContext,
    ExposureSpec,
    PluginContext,
    PluginSpec,
    ResponderContext,
    SinkContext,
    SttContext,
    TtsSpec,
)
from voicecall.sdk.stt import SttBackend
from voicecall.sdk.tts import TtsBackend
from voicecall.sdk.vad import VadBackend
from voicecall.tasks import unwrapped
from voicecall.webhooks.origin import PublicUrls

logger = logging.getLogger(__name__)

T = TypeVar("T")

OPEN_SECONDS = 30.0
"""Real seconds that one plugin may take to open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """The carrier-facing URLs, and what keeps them up; None: they are those of this machine."""

    urls: PublicUrls
    endpoint: PublicEndpoint | None = None


class Opener:
    """Opens what a configuration selects.

    Args:
        loaded: the configuration.
        state_dir: lent to plugins.
        clock: lent to plugins.
        http: lent to plugins.
        stack: closes what was opened.
    """

    def __init__(
        self,
        loaded: LoadedConfig,
        *,
        state_dir: Path,
        clock: Clock,
        http: HttpClient,
        stack: AsyncExitStack,
    ) -> None:
        self._loaded = loaded
        self._state_dir = state_dir
        self._clock = clock
        self._http = http
        self._stack = stack

    def context(self, name: str) -> PluginContext:
        """What is lent to the plugin `name`."""
        return PluginContext(
            http=self._http,
            clock=self._clock,
            logger=logging.getLogger(f"voicecall.plugin.{name}"),
            state_dir=self._state_dir,
        )

    async def exposed(self, *, here: str, host: str, port: int) -> Exposed:
        """The carrier-facing URLs: the exposure's, else `here`, for carriers on this machine.

        Raises:
            ExposureError: the exposure cannot make us reachable.
        """
        settings, exposure = self._loaded.settings, self._loaded.exposure
        if exposure is None:
            sockets = here.replace("http", "ws", 1)
            urls = PublicUrls(here + settings.serve.path, sockets + settings.streaming.stream_path)
            return Exposed(urls=urls)
        opening = exposure.spec.open(
            exposure.config, self.exposure_context(exposure.spec, host=host, port=port)
        )
        endpoint = await self._enter(exposure.spec, opening, PublicEndpoint)
        return Exposed(
            urls=PublicUrls(endpoint.webhook_url, endpoint.stream_url), endpoint=endpoint
        )

    def exposure_context(
        self,
        spec: ExposureSpec,
        *,
        host: str,
        port: int,
        webhook_path: str | None = None,
        by_hand: bool = False,
    ) -> ExposureContext:
        """What is lent to the exposure `spec`, for the public listener at `host` and `port`."""
        return ExposureContext(
            **_lent(self.context(spec.name)),
            host=host,
            port=port,
            webhook_path=webhook_path or self._loaded.settings.serve.path,
            stream_path=self._loaded.settings.streaming.stream_path,
            by_hand=by_hand,
        )

    async def provider(self, urls: CallbackUrls) -> CallProvider:
        """The carrier."""
        selected = self._loaded.provider
        context = ProviderContext(
            **_lent(self.context(selected.spec.name)),
            urls=urls,
            from_number=self._loaded.settings.from_number,
            speech=InstalledSpeech(self._loaded.registry, self.context),
        )
        opening = selected.spec.open(selected.config, context)
        return await self._enter(selected.spec, opening, CallProvider)

    async def synthesis(self, chosen: Selected[TtsSpec]) -> Synthesis:
        """What speaks: `chosen`, then the configured fallbacks."""
        backends: list[tuple[str, TtsBackend]] = []
        for one in (chosen, *self._loaded.tts_fallback):
            opening = one.spec.open(one.config, self.context(one.spec.name))
            backends.append((one.spec.name, await self._enter(one.spec, opening, TtsBackend)))
        return Synthesis(backends, logging.getLogger("voicecall.speech"))

    async def recognition(self) -> tuple[SttBackend | None, AudioFormat]:
        """What hears, and what it is fed."""
        selected = self._loaded.stt
        if selected is None:
            return None, self._loaded.provider.spec.media_format
        context = SttContext(
            **_lent(self.context(selected.spec.name)),
            silence_seconds=self._loaded.settings.silence_timeout_ms / 1000,
        )
        opening = selected.spec.open(selected.config, context)
        return await self._enter(selected.spec, opening, SttBackend), selected.spec.input_format

    async def vad(self) -> VadBackend | None:
        """What tells speech from silence, if that is wanted."""
        selected = self._loaded.vad
        if selected is None:
            return None
        opening = selected.spec.open(selected.config, self.context(selected.spec.name))
        return await self._enter(selected.spec, opening, VadBackend)

    async def responder(self) -> Responder | None:
        """Who answers callers, if anybody does."""
        selected = self._loaded.responder
        if selected is None:
            return None
        context = ResponderContext(
            **_lent(self.context(selected.spec.name)),
            models=self._loaded.settings.response_models,
        )
        opening = selected.spec.open(selected.config, context)
        return await self._enter(selected.spec, opening, Responder)

    async def sinks(self, showing: Showing, public_http: HttpClient) -> Sequence[EventSink]:
        """Who is told about every event."""
        opened = []
        for one in self._loaded.sinks:
            lent = _lent(self.context(one.spec.name))
            context = SinkContext(**lent, showing=showing, public_http=public_http)
            opening = one.spec.open(one.config, context)
            opened.append(await self._enter(one.spec, opening, EventSink))
        return opened

    async def _enter(
        self, spec: PluginSpec, opening: AbstractAsyncContextManager[T], kind: ABCMeta
    ) -> T:
        """What `opening` gives, which must be a `kind`, closed with the gateway.

        Raises:
            VoicecallError: the plugin's own, or `PluginError` that names the plugin which raised,
                gave something else, or did not open in time.
        """
        patience = self._stack.enter_context(_patience(self._named(spec)))
        try:
            opened = await self._stack.enter_async_context(_plain(opening))
            patience.deadline = math.inf
        except VoicecallError:
            raise
        except (Exception, SystemExit) as error:
            logger.debug("a plugin could not be opened", exc_info=True)
            why = hiding.private(f"{type(error).__name__}: {error}")
            raise PluginError(
                f"{self._named(spec)} could not be opened: {why}; VOICECALL_LOG=DEBUG shows where"
            ) from error
        lacks = sorted(name for name in kind.__abstractmethods__ if not hasattr(opened, name))
        if lacks:
            raise PluginError(
                f"{self._named(spec)} opened {type(opened).__name__!r}, which is no "
                f"{kind.__name__}: it has no {', '.join(lacks)}; report it to its author"
            )
        return opened

    def _named(self, spec: PluginSpec) -> str:
        return f"{spec.kind} {spec.name!r} of {self._loaded.registry.owner(spec)}"


@asynccontextmanager
async def _plain(opening: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """What fails meanwhile is not wrapped by tasks that a plugin keeps."""
    with unwrapped():
        async with opening as opened:
            yield opened


@contextmanager
def _patience(named: str) -> Iterator[anyio.CancelScope]:
    """A scope around a plugin's whole life, because its own scopes lie within; it ends the
    plugin's opening, unless its deadline is lifted."""
    with anyio.CancelScope(deadline=anyio.current_time() + OPEN_SECONDS) as scope:
        yield scope
    if scope.cancelled_caught:
        raise PluginError(
            f"{named} did not open within {OPEN_SECONDS:g} s; "
            "check what it connects to, VOICECALL_LOG=DEBUG shows more"
        )


def _lent(context: PluginContext) -> dict[str, Any]:
    return {each.name: getattr(context, each.name) for each in fields(context)}
