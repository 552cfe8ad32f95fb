"""What is a configuration once it was read? Settings, selected plugins, and their origins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from voicecall.config.problems import Problem
from voicecall.config.reader import Document
from voicecall.config.schema import Settings
from voicecall.config.tree import Node
from voicecall.errors import ConfigError
from voicecall.plugins.registry import Registry
from voicecall.sdk.config import Section
from voicecall.sdk.specs import (
    ExposureSpec,
    PluginSpec,
    ProviderSpec,
    ResponderSpec,
    SinkSpec,
    SttSpec,
    TtsSpec,
    VadSpec,
)

S_co = TypeVar("S_co", bound=PluginSpec, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected(Generic[S_co]):
    """A plugin that the configuration selects, with its section, validated."""

    spec: S_co
    config: Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Every plugin that a configuration selects; None: none is wanted or needed.

    Args:
        exposure_asked: whether the file asks for an exposure, also for one that cannot be used.
    """

    provider: Selected[ProviderSpec] | None = None
    tts: Selected[TtsSpec] | None = None
    tts_fallback: tuple[Selected[TtsSpec], ...] = ()
    number_tts: Mapping[str, Selected[TtsSpec]] = field(default_factory=dict)
    stt: Selected[SttSpec] | None = None
    vad: Selected[VadSpec] | None = None
    responder: Selected[ResponderSpec] | None = None
    exposure: Selected[ExposureSpec] | None = None
    exposure_asked: bool = False
    sinks: tuple[Selected[SinkSpec], ...] = ()

    def all(self) -> tuple[Selected[PluginSpec], ...]:
        """All of them, each once."""
        single = (
            self.provider,
            self.tts,
            self.stt,
            self.vad,
            self.responder,
            self.exposure,
        )
        several = (*self.tts_fallback, *self.number_tts.values(), *self.sinks)
        return tuple(one for one in (*single, *several) if one is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A configuration that can be used.

    Args:
        settings: the kernel's own part.
        path: the file, None when there is none and everything is default.
        warnings: what is worth a log line.
        selection: the plugins.
        sections: every validated section that stands in the file, selected or not, by kind
            and name.
        nodes: what each of `sections` was made from, with places.
        tree: the section as it counts: merged, migrated, filled from the environment.
        document: the file as it was read.
        registry: the installed plugins.
    """

    settings: Settings
    path: Path | None
    warnings: tuple[Problem, ...]
    selection: Selection
    sections: Mapping[tuple[str, str], Section]
    nodes: Mapping[tuple[str, str], Node]
    tree: Node
    document: Document | None
    registry: Registry

    @property
    def provider(self) -> Selected[ProviderSpec]:
        """The carrier.

        Raises:
            ConfigError: the configuration is not enabled and its provider is not usable.
        """
        if self.selection.provider is None:
            raise ConfigError(
                f"provider {self.settings.provider!r} cannot be used, and the voice-call section "
                'is off; set "enabled" to true to see what is missing'
            )
        return self.selection.provider

    def section(self, spec: PluginSpec) -> Section:
        """What the file says for `spec`, selected or not; its defaults where it says nothing."""
        found = self.sections.get((spec.kind, spec.name))
        return spec.config() if found is None else found

    @property
    def tts(self) -> Selected[TtsSpec] | None:
        """The speech backend; None: the carrier's native voice."""
        return self.selection.tts

    @property
    def tts_fallback(self) -> tuple[Selected[TtsSpec], ...]:
        """Tried in order when `tts` fails before any audio was sent."""
        return self.selection.tts_fallback

    @property
    def number_tts(self) -> Mapping[str, Selected[TtsSpec]]:
        """The speech backend of each dialled number that has one of its own."""
        return self.selection.number_tts

    @property
    def stt(self) -> Selected[SttSpec] | None:
        """The recognition backend; None without media streams."""
        return self.selection.stt

    @property
    def vad(self) -> Selected[VadSpec] | None:
        """Voice activity detection of our own; None: the recognition backend's."""
        return self.selection.vad

    @property
    def responder(self) -> Selected[ResponderSpec] | None:
        """Who answers callers; None: nobody does by itself."""
        return self.selection.responder

    @property
    def exposure(self) -> Selected[ExposureSpec] | None:
        """What makes us reachable; None: nothing."""
        return self.selection.exposure

    @property
    def sinks(self) -> tuple[Selected[SinkSpec], ...]:
        """Who is told about every event."""
        return self.selection.sinks
