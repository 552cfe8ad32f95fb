"""Which plugin owns which part of the voice-call section, and what does nobody own?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from voicecall.config.merge import merge
from voicecall.config.migrations import OWNED_ELSEWHERE, OwnedElsewhere
from voicecall.config.models import annotation_at, fields_of, model_at
from voicecall.config.positions import KeyPath, written
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.tree import Node
from voicecall.plugins.naming import distribution_name, install_command, nearest
from voicecall.plugins.registry import Registry
from voicecall.sdk.specs import ExposureSpec, PluginSpec

Key = tuple[str, str]
"""Kind and name of a plugin."""

_SHELVES: tuple[KeyPath, ...] = (("tts", "providers"), ("streaming", "providers"), ("responders",))
"""Objects that hold nothing but plugins' sections."""

_HOMES: frozenset[KeyPath] = frozenset({(), ("streaming",), ("tunnel",), ("vad",), *_SHELVES})
"""Objects in which a plugin that is not installed may have its section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The voice-call section, taken apart.

    Args:
        kernel: what is left for `Settings`; unknown keys are reported and gone.
        plugins: what stands in the file for a plugin, merged from all its places.
    """

    kernel: Node
    plugins: Mapping[Key, Node]


def split(
    section: Node, registry: Registry, report: Report, is_foreign: Callable[[Node], bool]
) -> Split:
    """Take the voice-call section apart and report what nobody owns.

    Args:
        section: migrated and merged.
        registry: whose specs say what they own.
        report: where problems go.
        is_foreign: whether a node stands in a part of the file that belongs to others.
    """
    plugins: dict[Key, Node] = {}
    taken: list[KeyPath] = []
    for spec in registry.all_specs():
        node, paths = _owned(spec, section, registry, report)
        taken.extend(paths)
        if node is not None:
            plugins[(spec.kind, spec.name)] = node
    rest = section
    for path in taken:
        rest = rest.drop(path)
    known = _Known(registry)
    kernel = _Leftovers(known, report, is_foreign, _chosen(section)).prune(rest)
    return Split(kernel=kernel, plugins=plugins)


def owned_paths(spec: PluginSpec, section: Node) -> list[KeyPath]:
    """Paths in `section` that belong to `spec`, the least preferred first."""
    whole = [tuple(path.split(".")) for path in reversed(spec.sections)]
    paths: list[KeyPath] = [path for path in whole if section.at(path) is not None]
    if isinstance(spec, ExposureSpec):
        for path, _ in section.walk():
            if path and _matches(spec, path) and not is_kernel_key(path):
                paths.append(path)
    return paths


def is_kernel_key(path: KeyPath) -> bool:
    """Whether `path` is a key of the kernel's own settings."""
    return annotation_at(Settings, path) is not None


def _matches(spec: ExposureSpec, path: KeyPath) -> bool:
    if not all(isinstance(step, str) for step in path):
        return False
    dotted = ".".join(map(str, path))
    return any(
        fnmatchcase(dotted, pattern) and pattern.count(".") == len(path) - 1
        for pattern in spec.keys
    )


def _owned(
    spec: PluginSpec, section: Node, registry: Registry, report: Report
) -> tuple[Node | None, list[KeyPath]]:
    merged: Node | None = None
    paths = owned_paths(spec, section)
    for path in paths:
        node = section.at(path)
        if node is None:
            continue
        if is_kernel_key(path):
            report.error(
                f"plugin {spec.name!r} claims {written(path)!r}, which is a key of the kernel",
                node,
                owner=registry.owner(spec),
                suggestion=f"uninstall {registry.owner(spec)}",
                at_key=True,
            )
            return None, []
        if written(path) not in spec.sections:
            node = Node({path[-1]: node})
        elif not node.is_object:
            report.error(f"{written(path)!r} must be an object", node, owner=registry.owner(spec))
            continue
        merged = merge(merged, node)
    return merged, paths


def _chosen(section: Node) -> frozenset[tuple[KeyPath, str]]:
    """Homes and names of the plugins that the section selects by name."""
    choices = (
        ((), section.text("provider")),
        (("tts", "providers"), section.text("tts", "provider")),
        (("streaming", "providers"), section.text("streaming", "provider")),
        (("responders",), section.text("responder")),
        (("vad",), section.text("vad", "provider")),
    )
    return frozenset((home, name) for home, name in choices if name)


class _Known:
    """Which keys are known at a place, for near misses."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def at(self, home: KeyPath) -> set[str]:
        """The keys that somebody knows in the object at `home`."""
        model = model_at(Settings, home)
        keys = set(fields_of(model)) if model else set()
        if home == ("tts", "providers"):
            keys |= self.at(("tts",))
        if home in (("tts",), ("streaming",)):
            keys.add("providers")
        if home == ():
            keys.add("responders")
        keys |= {str(path[-1]) for path in OWNED_ELSEWHERE if path[:-1] == home}
        for spec in self._registry.all_specs():
            keys |= {path[-1] for path in _spelt_out(spec) if path[:-1] == home}
        return keys


def _spelt_out(spec: PluginSpec) -> set[tuple[str, ...]]:
    paths = {tuple(path.split(".")) for path in spec.sections}
    if isinstance(spec, ExposureSpec):
        for pattern in spec.keys:
            *home, last = pattern.split(".")
            matching = {key for key in fields_of(spec.config) if fnmatchcase(key, last)}
            paths |= {(*home, key) for key in matching}
    return paths


class _Leftovers:
    def __init__(
        self,
        known: _Known,
        report: Report,
        is_foreign: Callable[[Node], bool],
        chosen: frozenset[tuple[KeyPath, str]],
    ) -> None:
        self._known = known
        self._report = report
        self._is_foreign = is_foreign
        self._chosen = chosen

    def prune(self, section: Node) -> Node:
        """The section without what nobody owns, each of which is reported."""
        kept = section
        for home in (*_SHELVES, *_objects(section)):
            node = section.at(home)
            if node is None:
                continue
            model = model_at(Settings, home)
            fields = fields_of(model) if model else {}
            inner = {path[-1] for path in _SHELVES if path[:-1] == home}
            for key, child in node.members.items():
                if key not in fields and key not in inner:
                    self._unclaimed(home, key, child)
                    kept = kept.drop((*home, key))
        for shelf in _SHELVES:
            if (node := kept.at(shelf)) and not node.is_object:
                self._report.error(f"{written(shelf)!r} must be an object", node)
            kept = kept.drop(shelf)
        return kept

    def _unclaimed(self, home: KeyPath, key: str, node: Node) -> None:
        if self._is_foreign(node) or (home, key) in self._chosen:
            return  # others' business; or reported where it is selected
        if owner := OWNED_ELSEWHERE.get((*home, key)):
            self._not_installed(key, node, owner)
            return
        close = nearest(key, self._known.at(home) - {key})
        if close:
            self._report.error(
                f"unknown key {key!r}", node, suggestion=f"did you mean {close!r}?", at_key=True
            )
        elif node.is_object and home in _HOMES:
            self._report.warning(
                f"nobody owns section {key!r}",
                node,
                suggestion="perhaps it belongs to a plugin that is not installed; "
                f"try: {_install(home, key)}",
            )
        else:
            self._report.error(
                f"unknown key {key!r}", node, suggestion=self._list(home), at_key=True
            )

    def _not_installed(self, key: str, node: Node, owner: OwnedElsewhere) -> None:
        distribution = distribution_name(owner.kind, owner.name)
        message = f"{key!r} belongs to {distribution}, which is not installed"
        suggestion = f"try: {install_command(owner.kind, owner.name)}"
        if owner.selects(node):
            self._report.error(message, node, suggestion=suggestion, at_key=True)
        else:
            self._report.warning(message, node, suggestion=suggestion)

    def _list(self, home: KeyPath) -> str:
        return f"known keys here: {', '.join(sorted(self._known.at(home)))}"


def _objects(section: Node) -> list[KeyPath]:
    """Paths of the objects in `section` that have a model in the kernel."""
    return [path for path, node in section.walk() if node.is_object and model_at(Settings, path)]


def _install(home: KeyPath, key: str) -> str:
    kinds: dict[KeyPath, str] = {
        ("tts", "providers"): "tts",
        ("streaming", "providers"): "stt",
        ("responders",): "responder",
        ("vad",): "vad",
        ("tunnel",): "exposure",
    }
    return install_command(kinds.get(home, "provider"), key)
