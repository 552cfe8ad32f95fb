"""What hooks return: frozen descriptions of plugins, from which live objects are opened."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from voicecall.model.media import MULAW_8K, AudioFormat
from voicecall.sdk.clock import Clock
from voicecall.sdk.config import Section
from voicecall.sdk.exposure import PublicEndpoint
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import CallProvider, Capability, Finding, ProviderContext
from voicecall.sdk.responder import Responder
from voicecall.sdk.sink import EventSink, Showing
from voicecall.sdk.stt import SttBackend
from voicecall.sdk.tts import TtsBackend
from voicecall.sdk.vad import VadBackend


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginContext:
    """What the kernel lends to any plugin while it is open."""

    http: HttpClient
    clock: Clock
    logger: logging.Logger
    state_dir: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SttContext(PluginContext):
    """For speech recognition: `silence_seconds` of silence end a turn (`silenceTimeoutMs`)."""

    silence_seconds: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderContext(PluginContext):
    """For responders: `models` are the names that `Turn.model` may have, the general one first
    (`responseModel`, `numbers.*.responseModel`); check and prepare them while opening."""

    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkContext(PluginContext):
    """For event sinks: `showing` makes what clients see of calls; `public_http` is a client like
    `http` that connects to public addresses only, whatever a name resolves to."""

    showing: Showing
    public_http: HttpClient


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureContext(PluginContext):
    """For exposures: where the public listener is, and under which paths it serves.

    `by_hand`: a person opens it with `voicecall expose`. What is set up then outlives this
    process where it can, and a gateway that opens the same later uses it and leaves it there.
    """

    host: str
    port: int
    webhook_path: str
    stream_path: str
    by_hand: bool = False


async def _nothing_found(config: Any, context: ExposureContext) -> Sequence[Finding]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSpec:
    """What every plugin declares.

    Args:
        name: as the configuration writes it; lower case, digits and ``-``.
        summary: one line for `voicecall plugins`.
        config: the model of its section.
        environment: key of the section (camelCase, dotted when nested) → environment variable
            that fills it when it is missing and the plugin is selected.
        root_environment: the same for keys of the voice-call section itself, for example
            ``fromNumber``.
        findings: ``findings(config, today)`` tells what somebody should know about a section that
            is valid: a model whose end its vendor has announced, a setting without effect. Pure;
            no file, no network. Shown by `setup` and `doctor`. Since 0.1.
    """

    kind: ClassVar[str]
    section_paths: ClassVar[tuple[str, ...]]

    name: str
    summary: str
    config: type[Section]
    environment: Mapping[str, str] = field(default_factory=dict)
    root_environment: Mapping[str, str] = field(default_factory=dict)
    findings: Callable[[Any, date], Sequence[Finding]] = lambda config, today: ()

    @property
    def sections(self) -> tuple[str, ...]:
        """Dotted paths at which the plugin's section may stand, the preferred one first."""
        return tuple(path.format(name=self.name) for path in self.section_paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec(PluginSpec):
    """A carrier.

    Args:
        open: ``open(config, context)`` gives the live provider as an async context manager.
            Heavy imports belong in here.
        capabilities: what it can do.
        needs_from_number: whether `fromNumber` must be set.
        needs_public_url: whether the carrier sits outside and an exposure is needed.
        signature_header: header without which a webhook is refused unread, lower case.
        is_double: whether `config` points at a stand-in for the carrier, which may reach us at an
            address that the carrier cannot.
        other_signature_headers: others that may stand in its place, where the carrier has
            several ways to sign.
        media_format: what the provider's media streams carry, both ways.
        time_scale: how many times faster than life the network of `config` runs.
        steers_by_document: whether the answers to its webhooks decide what a call does (TwiML,
            XML); an answered call then always brings a webhook that wants instructions.
        digits_end_stream: whether `SendDigits` ends the media stream of a call; the stream is
            then asked for again in the same delivery.
        digits_by_command: whether a document carrier's documents have no word for `SendDigits`;
            keys, and what follows them, are then never part of an answer and come by command.
    """

    kind = "provider"
    section_paths = ("{name}",)

    open: Callable[[Any, ProviderContext], AbstractAsyncContextManager[CallProvider]]
    capabilities: frozenset[Capability]
    signature_header: str
    needs_from_number: bool = True
    needs_public_url: bool = True
    media_format: AudioFormat = MULAW_8K
    time_scale: Callable[[Any], float] = lambda config: 1.0
    steers_by_document: bool = False
    digits_end_stream: bool = False
    digits_by_command: bool = False
    is_double: Callable[[Any], bool] = lambda config: False
    other_signature_headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsSpec(PluginSpec):
    """Text to speech. `offline_rank`: set when it needs no account and may be the default,
    the lowest rank first; None: only when it is named or has a section."""

    kind = "tts"
    section_paths = ("tts.providers.{name}", "tts.{name}")

    open: Callable[[Any, PluginContext], AbstractAsyncContextManager[TtsBackend]]
    offline_rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SttSpec(PluginSpec):
    """Speech to text. `input_format`: what it is fed. `offline_rank` as for `TtsSpec`."""

    kind = "stt"
    section_paths = ("streaming.providers.{name}",)

    open: Callable[[Any, SttContext], AbstractAsyncContextManager[SttBackend]]
    input_format: AudioFormat = MULAW_8K
    offline_rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VadSpec(PluginSpec):
    """Voice activity detection."""

    kind = "vad"
    section_paths = ("vad.{name}",)

    open: Callable[[Any, PluginContext], AbstractAsyncContextManager[VadBackend]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderSpec(PluginSpec):
    """Decides what we say.

    Args:
        open: ``open(config, context)`` gives the responder.
        model_faults: ``model_faults(config, models)`` tells, by its name, why a model that the
            configuration names cannot be asked; shown where it is named. No network. Since 0.1.
    """

    kind = "responder"
    section_paths = ("responders.{name}",)

    open: Callable[[Any, ResponderContext], AbstractAsyncContextManager[Responder]]
    model_faults: Callable[[Any, tuple[str, ...]], Mapping[str, str]] = lambda config, models: {}


TUNNEL_PRECEDENCE = 10
"""Of the exposure that `tunnel.provider` names: after `publicUrl`, before all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSpec(PluginSpec):
    """Makes the public listener reachable.

    Args:
        open: ``open(config, context)`` gives the endpoint.
        object_paths: dotted paths of objects that are wholly its own, for example ``acme``.
        keys: glob patterns of single keys that are its own, for example ``publicUrl`` or
            ``tunnel.acme*``; the last segment is the model's key.
        wanted: whether `config` asks for it.
        precedence: among several wanted ones the lowest is in force, with a warning;
            `TUNNEL_PRECEDENCE` for the one that `tunnel.provider` names.
        tunnel_names: names beside its own by which `tunnel.provider` may choose it → fields of
            its model that such a name sets.
        opens_quietly: whether opening it starts and changes nothing, so that `setup` may.
        check: ``check(config, context)`` tells whether it could be opened. Read-only, also while
            a gateway has it open.
        remove: ``remove(config, context)`` takes away what `voicecall expose` left behind, and
            nothing of anybody else's; whether there was anything. None: nothing is ever left.
        clear: ``clear(config, context)`` takes away what a gateway that was killed left behind;
            whether there was anything. Asked before a gateway opens another exposure, or none,
            when a `Marker` is there. None: `open` never leaves anything.
    """

    kind = "exposure"
    section_paths = ()

    open: Callable[[Any, ExposureContext], AbstractAsyncContextManager[PublicEndpoint]]
    wanted: Callable[[Any], bool]
    object_paths: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    precedence: int = 100
    tunnel_names: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    opens_quietly: bool = False
    check: Callable[[Any, ExposureContext], Awaitable[Sequence[Finding]]] = _nothing_found
    remove: Callable[[Any, ExposureContext], Awaitable[bool]] | None = None
    clear: Callable[[Any, ExposureContext], Awaitable[bool]] | None = None

    @property
    def sections(self) -> tuple[str, ...]:
        """Dotted paths of the objects that are wholly its own."""
        return self.object_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkSpec(PluginSpec):
    """Tells somebody else what happened. Its section is an entry of `sinks` with `use: name`."""

    kind = "sink"
    section_paths = ()

    open: Callable[[Any, SinkContext], AbstractAsyncContextManager[EventSink]]
