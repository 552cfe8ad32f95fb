"""Which keys does the voice-call section have, with everything that is installed?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pydantic.fields import FieldInfo

from voicecall.config.models import annotation_at, field_at, fields_of
from voicecall.config.positions import KeyPath
from voicecall.config.problems import KERNEL
from voicecall.config.schema import Settings
from voicecall.plugins.registry import Registry
from voicecall.sdk.config import Section
from voicecall.sdk.specs import ExposureSpec, PluginSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Keys of one owner at one place.

    Args:
        prefix: the object that the keys stand in.
        model: what they are.
        keys: the keys of `model` that stand there.
        owner: the distribution, or ``voicecall``.
        spec: the plugin; None: the kernel.
    """

    prefix: tuple[str, ...]
    model: type[Section]
    keys: frozenset[str]
    owner: str
    spec: PluginSpec | None = None

    def inner(self, path: KeyPath) -> KeyPath | None:
        """`path` as seen from the model, None when it is not of this part."""
        depth = len(self.prefix)
        if path[:depth] != self.prefix:
            return None
        if len(path) == depth:
            return () if self._is_whole else None
        return path[depth:] if path[depth] in self.keys else None

    @property
    def _is_whole(self) -> bool:
        return self.keys == frozenset(fields_of(self.model))


def parts(registry: Registry) -> list[Part]:
    """Every part, the kernel's first."""
    kernel = Part(prefix=(), model=Settings, keys=frozenset(fields_of(Settings)), owner=KERNEL)
    return [kernel, *(part for spec in registry.all_specs() for part in _of(spec, registry))]


def home(spec: PluginSpec) -> tuple[str, ...] | None:
    """Where the section of `spec` is shown; None: it has none, only single keys."""
    return tuple(spec.sections[0].split(".")) if spec.sections else None


def key_paths(spec: ExposureSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    """The objects in which single keys of `spec` stand, and the keys."""
    for pattern in spec.keys:
        *prefix, last = pattern.split(".")
        for key in fields_of(spec.config):
            if fnmatchcase(key, last):
                yield tuple(prefix), key


def find(registry: Registry, path: KeyPath) -> tuple[Part, KeyPath] | None:
    """The part that `path` belongs to, and the path within its model."""
    for part in parts(registry):
        inner = part.inner(path)
        if inner is not None and (not inner or annotation_at(part.model, inner) is not None):
            return part, inner
    return None


def field_of(part: Part, inner: KeyPath) -> FieldInfo | None:
    """The field at a path of a part."""
    return field_at(part.model, inner)


def _of(spec: PluginSpec, registry: Registry) -> Iterator[Part]:
    owner = registry.owner(spec)
    everything = frozenset(fields_of(spec.config))
    for path in spec.sections:
        prefix = tuple(path.split("."))
        yield Part(prefix=prefix, model=spec.config, keys=everything, owner=owner, spec=spec)
    if isinstance(spec, ExposureSpec):
        for prefix, key in key_paths(spec):
            keys = frozenset({key})
            yield Part(prefix=prefix, model=spec.config, keys=keys, owner=owner, spec=spec)
