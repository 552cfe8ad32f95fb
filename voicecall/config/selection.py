"""Which plugins does a configuration select, and are their sections complete?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from voicecall.config.environment import filled, has_credentials
from voicecall.config.loaded import Selected, Selection
from voicecall.config.merge import merge
from voicecall.config.migrations import OFFLINE_EXAMPLES, SKIPPED_SPEECH, UNUSED
from voicecall.config.positions import KeyPath
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.secrets import check_only
from voicecall.config.sections import Key
from voicecall.config.speech_sections import gathered
from voicecall.config.tree import Node
from voicecall.config.validate import Rules, fit
from voicecall.errors import PluginError
from voicecall.plugins.naming import KIND_NAMES, install_command
from voicecall.plugins.registry import Registry
from voicecall.plugins.speech import offline_backend
from voicecall.sdk.config import SecretResolver, Section
from voicecall.sdk.specs import (
    TUNNEL_PRECEDENCE,
    ExposureSpec,
    PluginSpec,
    ProviderSpec,
    ResponderSpec,
    SinkSpec,
    SttSpec,
    TtsSpec,
    VadSpec,
)

S = TypeVar("S", bound=PluginSpec)
Speech = TypeVar("Speech", TtsSpec, SttSpec)

_TTS_KEYS = ("provider", "providers")

_PROVIDER_KEYS: Mapping[str, KeyPath] = {
    "tts": ("tts", "provider"),
    "stt": ("streaming", "provider"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything that a selection is made from.

    Args:
        settings: the kernel's part.
        section: the voice-call section, merged; for the places of what it selects.
        plugins: what stands in the file for each plugin.
        registry: the installed plugins.
        environ: the environment.
        secrets: resolves secrets of selected plugins.
        is_foreign: whether a node stands in a part of the file that belongs to others.
    """

    settings: Settings
    section: Node
    plugins: Mapping[Key, Node]
    registry: Registry
    environ: Mapping[str, str]
    secrets: SecretResolver
    is_foreign: Callable[[Node], bool]


class Selector:
    """Selects the plugins of one configuration; problems go to the report.

    `sections` and `nodes` hold, by kind and name, what was validated and from what.
    """

    def __init__(self, material: Material, report: Report) -> None:
        self._material = material
        self._report = report
        self._strict = material.settings.enabled
        self.sections: dict[Key, Section] = {}
        self.nodes: dict[Key, Node] = {}

    def select(self) -> Selection:
        """The whole selection; also checks the sections of plugins that are not selected."""
        settings, registry = self._material.settings, self._material.registry
        fallback = [
            self._named(TtsSpec, name, ("tts", "fallback", index))
            for index, name in enumerate(settings.tts.fallback)
            if name not in SKIPPED_SPEECH
        ]
        selection = Selection(
            provider=self._named(ProviderSpec, settings.provider, ("provider",)),
            tts=self._tts(),
            tts_fallback=tuple(one for one in fallback if one),
            number_tts=self._number_tts(),
            stt=self._stt() if settings.streaming.enabled else None,
            vad=self._optional(VadSpec, settings.vad.provider, ("vad", "provider")),
            responder=self._responder(),
            exposure=self._exposure(),
            sinks=self._sinks(),
        )
        for spec in registry.all_specs():
            self._check_unselected(spec)
        return replace(selection, exposure_asked=self._asks_for_exposure())

    # ---- one plugin ----------------------------------------------------------------------

    def _optional(self, kind: type[S], name: str | None, path: KeyPath) -> Selected[S] | None:
        return self._named(kind, name, path) if name is not None else None

    def _named(self, kind: type[S], name: str, path: KeyPath) -> Selected[S] | None:
        spec = self._find(kind, name, self._material.section.at(path))
        return self._configured(spec) if spec else None

    def _find(self, kind: type[S], name: str, node: Node | None) -> S | None:
        try:
            return self._material.registry.get(kind, name)
        except PluginError as error:
            tell = self._report.error if self._strict else self._report.warning
            tell(str(error), node, at_key=False)
            return None

    def _configured(self, spec: S, node: Node | None = None) -> Selected[S] | None:
        """`spec` with its section from the file and the environment, or from `node`."""
        key = (spec.kind, spec.name)
        if node is None and key in self.sections:
            return Selected(spec=spec, config=self.sections[key])
        source = node or self._material.plugins.get(key) or Node({})
        source = filled(source, spec.environment, self._material.environ)
        config = self._fit(spec, source, selected=self._strict)
        if config is None:
            return None
        if node is None:
            self.sections[key], self.nodes[key] = config, source
        return Selected(spec=spec, config=config)

    def _fit(self, spec: PluginSpec, node: Node, *, selected: bool) -> Section | None:
        rules = Rules(
            owner=self._material.registry.owner(spec),
            secrets=self._material.secrets if selected else check_only,
            environment=dict(spec.environment),
            complete=selected,
            is_foreign=self._material.is_foreign,
        )
        return fit(spec.config, node, rules, self._report)

    def _check_unselected(self, spec: PluginSpec) -> None:
        key = (spec.kind, spec.name)
        node = self._material.plugins.get(key)
        if node is None or key in self.sections:
            return
        config = self._fit(spec, node, selected=False)
        if config is not None:
            self.sections[key], self.nodes[key] = config, node

    # ---- speech --------------------------------------------------------------------------

    def _tts(self) -> Selected[TtsSpec] | None:
        settings = self._material.settings
        if name := settings.tts.provider:
            return self._named(TtsSpec, name, ("tts", "provider"))
        spec = self._default_speech(TtsSpec, self._present("tts"))
        if spec is None and settings.streaming.enabled:
            self._nothing_installed(TtsSpec)
        return self._configured(spec) if spec else None

    def _stt(self) -> Selected[SttSpec] | None:
        if name := self._material.settings.streaming.provider:
            return self._named(SttSpec, name, ("streaming", "provider"))
        spec = self._default_speech(SttSpec, self._present("stt"))
        if spec is None:
            self._nothing_installed(SttSpec)
        return self._configured(spec) if spec else None

    def _present(self, kind: str) -> set[str]:
        return {name for kind_of, name in self._material.plugins if kind_of == kind}

    def _default_speech(self, kind: type[Speech], present: set[str]) -> Speech | None:
        """The one backend with a section; else with credentials; else the offline one."""
        spare = self._material.settings.tts.fallback if kind is TtsSpec else ()
        specs = [spec for spec in self._material.registry.specs(kind) if spec.name not in spare]
        described = [spec for spec in specs if spec.name in present]
        able = [spec for spec in specs if has_credentials(spec, self._material.environ)]
        if len(described) > 1:
            self._ambiguous(described, "have a section", self._report.error)
        if described:
            return described[0]
        if len(able) == 1:
            return able[0]
        if able:
            self._ambiguous(able, "have credentials in the environment", self._report.warning)
        offline = offline_backend(self._material.registry, kind)
        return offline if isinstance(offline, kind) else None

    def _ambiguous(self, specs: list[Speech], why: str, tell: Callable[..., None]) -> None:
        path = _PROVIDER_KEYS[specs[0].kind]
        names = ", ".join(repr(spec.name) for spec in specs)
        tell(
            f"several {KIND_NAMES[specs[0].kind]}s {why}: {names}",
            self._material.section.child(str(path[0])),
            suggestion=f"name one of them in {'.'.join(map(str, path))}",
            at_key=True,
        )

    def _nothing_installed(self, kind: type[TtsSpec] | type[SttSpec]) -> None:
        tell = self._report.error if self._strict else self._report.warning
        tell(
            f"media streams need a {KIND_NAMES[kind.kind]}, and none is installed",
            self._material.section.at(("streaming", "enabled")),
            suggestion=f"try: {install_command(kind.kind, OFFLINE_EXAMPLES[kind.kind])}",
            at_key=False,
        )

    def _number_tts(self) -> dict[str, Selected[TtsSpec]]:
        found = {}
        for number, override in self._material.settings.numbers.items():
            node = self._material.section.at(("numbers", number, "tts"))
            if override.tts is None or node is None or not node.is_object:
                continue
            if selected := self._overridden(node):
                found[number] = selected
        return found

    def _overridden(self, override: Node) -> Selected[TtsSpec] | None:
        """The backend of the whole section with `override` laid over it."""
        override = gathered(override)
        tts = merge(self._material.section.child("tts"), override) or override
        sections = tts.members.get("providers", Node({})).members
        if (name := tts.text("provider")) is not None:
            spec = self._find(TtsSpec, name, tts.child("provider"))
        else:
            spec = self._default_speech(TtsSpec, set(sections))
        self._check_override(override, sections, spec)
        return self._configured(spec, sections.get(spec.name, Node({}))) if spec else None

    def _check_override(
        self, override: Node, sections: Mapping[str, Node], selected: TtsSpec | None
    ) -> None:
        known = {spec.name: spec for spec in self._material.registry.specs(TtsSpec)}
        unknown = [(key, node) for key, node in override.members.items() if key not in _TTS_KEYS]
        for key, node in unknown:
            if ("tts", key) in UNUSED:
                self._report.warning(f"{key!r} has no use here and is ignored", node)
            else:
                known_keys = f"known keys here: {', '.join(_TTS_KEYS)}, or a backend's section"
                self._report.error(f"unknown key {key!r}", node, suggestion=known_keys, at_key=True)
        for name, node in override.members.get("providers", Node({})).members.items():
            spec = known.get(name)
            if spec is None and name not in SKIPPED_SPEECH:
                self._report.warning(f"nobody owns section {name!r}", node)
            elif spec is not None and spec is not selected:
                self._fit(spec, sections[name], selected=False)

    # ---- the rest ------------------------------------------------------------------------

    def _responder(self) -> Selected[ResponderSpec] | None:
        settings = self._material.settings
        selected = None
        if settings.responder is not None:
            selected = self._named(ResponderSpec, settings.responder, ("responder",))
        elif settings.response_model is not None:
            selected = self._named(ResponderSpec, "model", ("responseModel",))
        if selected is not None and self._strict:
            self._check_models(selected)
        return selected

    def _check_models(self, responder: Selected[ResponderSpec]) -> None:
        settings, section = self._material.settings, self._material.section
        owner = self._material.registry.owner(responder.spec)
        named: dict[KeyPath, str | None] = {("responseModel",): settings.response_model}
        for number, own in settings.numbers.items():
            named["numbers", number, "responseModel"] = own.response_model
        try:
            faults = responder.spec.model_faults(responder.config, settings.response_models)
        except Exception as error:
            raised = f"`model_faults` raised {type(error).__name__}"
            fault = f"responder {responder.spec.name!r}: {raised}"
            self._report.error(fault, owner=owner, suggestion=f"report it to {owner}")
            return
        for path, name in named.items():
            if name is not None and name in faults:
                self._report.error(faults[name], section.at(path), owner=owner)

    def _exposure(self) -> Selected[ExposureSpec] | None:
        wanted = sorted(self._wanted_exposures(), key=lambda each: (each[0], each[1].name))
        if not wanted:
            return None
        (_, winner, implied), *others = wanted
        losers = [spec for _, spec, _ in others if spec is not winner]
        if losers:
            names = ", ".join(repr(spec.name) for spec in losers)
            node = self._material.plugins.get(("exposure", winner.name))
            self._report.warning(
                f"several exposures are configured; {winner.name!r} is in force, {names} not",
                next(iter(node.members.values()), None) if node else None,
                suggestion="keep one of them",
            )
        selected = self._configured(winner)
        if selected is None or not implied:
            return selected
        return Selected(spec=winner, config=selected.config.model_copy(update=dict(implied)))

    def _asks_for_exposure(self) -> bool:
        specs = self._material.registry.specs(ExposureSpec)
        written = {(spec.kind, spec.name) for spec in specs} & self._material.plugins.keys()
        faulty = written - self.sections.keys()
        return bool(faulty) or self._material.settings.tunnel.provider != "none"

    def _wanted_exposures(self) -> list[tuple[int, ExposureSpec, Mapping[str, object]]]:
        """Precedence, plugin, and what its being named implies, for every one that is wanted."""
        specs = self._material.registry.specs(ExposureSpec)
        wanted: list[tuple[int, ExposureSpec, Mapping[str, object]]] = [
            (spec.precedence, spec, {}) for spec in specs if self._is_wanted(spec)
        ]
        named = self._material.settings.tunnel.provider
        if named == "none":
            return wanted
        for spec in specs:
            if named in spec.tunnel_names:
                return [*wanted, (TUNNEL_PRECEDENCE, spec, spec.tunnel_names[named])]
        spec_named = self._find(
            ExposureSpec, named, self._material.section.at(("tunnel", "provider"))
        )
        return [*wanted, (TUNNEL_PRECEDENCE, spec_named, {})] if spec_named else wanted

    def _is_wanted(self, spec: ExposureSpec) -> bool:
        node = self._material.plugins.get(("exposure", spec.name))
        if node is None:
            return False
        config = self._fit(spec, node, selected=False)
        if config is None:
            return False
        try:
            return bool(spec.wanted(config))
        except Exception as error:
            owner = self._material.registry.owner(spec)
            fault = f"exposure {spec.name!r}: `wanted` raised {type(error).__name__}"
            self._report.error(fault, node, owner=owner, suggestion=f"report it to {owner}")
            return False

    def _sinks(self) -> tuple[Selected[SinkSpec], ...]:
        found = []
        for index in range(len(self._material.settings.sinks)):
            node = self._material.section.at(("sinks", index))
            if node is None:
                continue
            use = node.text("use")
            if use is None:
                self._report.error("a sink needs 'use', the name of a sink plugin", node)
            elif spec := self._find(SinkSpec, use, node.child("use")):
                selected = self._configured(spec, node.drop(("use",)))
                found.extend([selected] if selected else [])
        return tuple(found)
