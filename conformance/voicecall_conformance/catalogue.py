"""Which plugins can be proved here? Those whose package registers a harness."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Any

from voicecall.sdk import PluginError
from voicecall_conformance.kinds import KINDS, PROVIDER, Kind

GROUP = PROVIDER.group
"""The entry-point group of providers: name → harness class."""


def provable() -> Iterator[str]:
    """Everything that can be proved here, as `harness_of` takes it."""
    for kind in KINDS.values():
        prefix = "" if kind is PROVIDER else f"{kind.name}:"
        yield from (f"{prefix}{name}" for name in sorted(_entries(kind).names))


def harness_of(name: str) -> type[Any]:
    """The harness that a plugin registers.

    Args:
        name: a provider's name, or ``KIND:NAME``.

    Raises:
        PluginError: there is no such kind, it registers none, or nothing that is one.
    """
    label, colon, plain = name.partition(":")
    if colon and label not in KINDS:
        raise PluginError(f"no suite for plugins of kind {label!r}; there are {', '.join(KINDS)}")
    kind, plain = (KINDS[label], plain) if colon else (PROVIDER, name)
    entries = _entries(kind)
    if plain not in entries.names:
        known = ", ".join(sorted(entries.names)) or "none"
        others = [each for each in provable() if each.endswith(f":{plain}")]
        meant = f"; there is {', '.join(others)}" if others else ""
        raise PluginError(
            f"no conformance harness for {kind.name} {plain!r} (installed: {known}){meant}; its "
            f"package registers one under entry-point group {kind.group!r}"
        )
    harness = entries[plain].load()
    if not (isinstance(harness, type) and issubclass(harness, kind.harness)):
        raise PluginError(
            f"{entries[plain].value} is no {kind.harness.__name__}; register the class"
        )
    return harness


def _entries(kind: Kind) -> metadata.EntryPoints:
    return metadata.entry_points(group=kind.group)
