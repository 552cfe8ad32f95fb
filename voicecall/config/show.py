"""What is in force, and where does each value come from? Secrets stay masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from voicecall.config.catalogue import home, key_paths
from voicecall.config.hiding import hiding
from voicecall.config.loaded import LoadedConfig, Selected
from voicecall.config.positions import KeyPath, written
from voicecall.config.tree import Node
from voicecall.sdk.config import Section
from voicecall.sdk.specs import ExposureSpec, PluginSpec, TtsSpec

DEFAULT = "default"
"""The origin of a value that nobody wrote."""

CHOSEN = "chosen"
"""The origin of a plugin's name that nobody wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One value in force.

    Args:
        path: within the voice-call section.
        value: as JSON; a secret is ``**********``.
        origin: ``FILE:LINE``, ``environment NAME``, ``default``, or ``chosen`` for a plugin that
            was selected without being named.
    """

    path: str
    value: object
    origin: str


def effective(loaded: LoadedConfig) -> dict[str, Any]:
    """The whole voice-call section as it counts, plugins' sections included."""
    shown: dict[str, Any] = dumped(loaded.settings)
    shown["sinks"] = [{"use": one.spec.name, **dumped(one.config)} for one in loaded.sinks]
    for number, override in shown["numbers"].items():
        override["tts"] = _speech_of(loaded.number_tts.get(number))
    for path, name in chosen(loaded).items():
        _put(shown, path, name)
    for (kind, name), section in loaded.sections.items():
        for path, value in _placed(loaded.registry.get(kind, name), section):
            _put(shown, path, value)
    return shown


def values(loaded: LoadedConfig) -> list[Shown]:
    """Every single value in force with its origin, in the order of `effective`."""
    return [
        Shown(path=written(path), value=value, origin=origin(loaded, path))
        for path, value in _leaves(effective(loaded), ())
    ]


def text(loaded: LoadedConfig) -> str:
    """The same for a person: one value a line."""
    rows = [(f"{shown.path} = {json.dumps(shown.value)}", shown.origin) for shown in values(loaded)]
    width = min(max(len(left) for left, _ in rows), 72)
    return "\n".join(f"{left:<{width}}  # {right}" for left, right in rows)


def chosen(loaded: LoadedConfig) -> dict[tuple[str, ...], str]:
    """Keys that name a plugin and are not set, and the plugin that was selected."""
    settings = loaded.settings
    choices = (
        (("tts", "provider"), settings.tts.provider, loaded.tts),
        (("streaming", "provider"), settings.streaming.provider, loaded.stt),
        (("responder",), settings.responder, loaded.responder),
    )
    return {path: one.spec.name for path, named, one in choices if one and named is None}


def origin(loaded: LoadedConfig, path: KeyPath) -> str:
    """Where the value at `path` of the voice-call section comes from."""
    node = _node_at(loaded, path)
    if node is None:
        return CHOSEN if path in chosen(loaded) else DEFAULT
    return origin_of(loaded, node)


def origin_of(loaded: LoadedConfig, node: Node | None) -> str:
    """Where a node comes from."""
    if node is None:
        return DEFAULT
    if node.place.variable:
        return f"environment {node.place.variable}"
    if node.place.mark is None or loaded.document is None:
        return DEFAULT
    line, _ = loaded.document.lines.locate(node.place.mark.start)
    return f"{loaded.document.path}:{line}"


def dumped(section: Section) -> dict[str, Any]:
    """A section as JSON values under the keys of the file; secrets masked."""
    return {key: _masked(value) for key, value in _plain(section).items()}


def _plain(section: Section) -> dict[str, Any]:
    return section.model_dump(mode="json", by_alias=True)


def _masked(value: Any) -> Any:
    """A secret of the kind that no type tells: in a URL, or quoted where it does not belong."""
    if isinstance(value, dict):
        return {key: _masked(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_masked(child) for child in value]
    return hiding.secrets(value) if isinstance(value, str) else value


def _speech_of(selected: Selected[TtsSpec] | None) -> dict[str, Any] | None:
    if selected is None:
        return None
    name = selected.spec.name
    return {"provider": name, "providers": {name: dumped(selected.config)}}


def _placed(spec: PluginSpec, section: Section) -> Iterator[tuple[tuple[str, ...], Any]]:
    values_of = dumped(section)
    if (path := home(spec)) is not None:
        yield path, values_of
    if isinstance(spec, ExposureSpec):
        for prefix, key in key_paths(spec):
            yield (*prefix, key), values_of[key]


def _put(shown: dict[str, Any], path: tuple[str, ...], value: object) -> None:
    for step in path[:-1]:
        shown = shown.setdefault(step, {})
    shown[path[-1]] = value


def _node_at(loaded: LoadedConfig, path: KeyPath) -> Node | None:
    if (node := loaded.tree.at(path)) is not None:
        return node
    for (kind, name), node in loaded.nodes.items():
        spec = loaded.registry.get(kind, name)
        for prefix in filter(None, [home(spec)]):
            if path[: len(prefix)] == prefix and (found := node.at(path[len(prefix) :])):
                return found
        single = isinstance(spec, ExposureSpec) and any(
            path == (*prefix, key) for prefix, key in key_paths(spec)
        )
        if single and (found := node.at(path[-1:])):
            return found
    return None


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from _leaves(child, (*path, key))
    else:
        yield path, value
