"""What is this key? Its type, default, meaning, owner and current value."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from voicecall.config.catalogue import Part, field_of, find, parts
from voicecall.config.layout import SECTION
from voicecall.config.loaded import LoadedConfig
from voicecall.config.models import annotation_at, fields_of, model_at
from voicecall.config.positions import KeyPath, written
from voicecall.config.show import dumped, effective, origin, origin_of
from voicecall.errors import ConfigError
from voicecall.plugins.naming import nearest

_STEP = re.compile(r'\["([^"]*)"\]|\[(\d+)\]|\.?([^.\[\]]+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One key.

    Args:
        path: within the voice-call section.
        type: for a person, for example ``integer, at least 0``.
        default: as JSON text; ``required`` or ``none``.
        description: what it means; empty when nobody wrote it down.
        owner: ``voicecall`` or a distribution.
        value: what is in force, as JSON text; a secret is masked. None: not set.
        origin: ``FILE:LINE``, ``environment NAME`` or ``default``.
        keys: of an object, the keys in it.
    """

    path: str
    type: str
    default: str
    description: str
    owner: str
    value: str | None
    origin: str
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            self.path or "the voice-call section",
            *([f"  {self.description}"] if self.description else []),
            f"  type:    {self.type}",
            f"  default: {self.default}",
            f"  value:   {self.value or 'not set'} ({self.origin})",
            f"  owner:   {self.owner}",
            *([f"  keys:    {', '.join(self.keys)}"] if self.keys else []),
        ]
        return "\n".join(lines)


def explain(loaded: LoadedConfig, path: str) -> Explanation:
    """Explain the key at `path`, for example ``serve.port`` or ``numbers["+15550001234"]``.

    Raises:
        ConfigError: nobody knows the key; names the nearest that somebody does.
    """
    steps = parse_path(path)
    found = find(loaded.registry, steps)
    if found is None:
        raise ConfigError(_unknown(loaded, steps))
    part, inner = found
    field = field_of(part, inner)
    model = model_at(part.model, inner)
    value, origin_text = _in_force(loaded, part, inner, steps)
    return Explanation(
        path=written(steps),
        type=describe_type(annotation_at(part.model, inner), field),
        default=_default(field, is_object=model is not None),
        description=_description(field, model),
        owner=part.owner,
        value=None if value is None else json.dumps(value),
        origin=origin_text,
        keys=tuple(sorted(fields_of(model))) if model else (),
    )


def parse_path(path: str) -> KeyPath:
    """A key path as a person writes it; the way to the section in a gateway file is dropped.

    Raises:
        ConfigError: it cannot be read.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ConfigError(f'{path!r} is no key path; write it like serve.port or tts["x"]')
        quoted, index, bare = match.groups()
        steps.append(int(index) if index else (bare if quoted is None else quoted))
        at = match.end()
    whole = tuple(steps)
    return whole[len(SECTION) :] if whole[: len(SECTION)] == SECTION else whole


def describe_type(annotation: Any, field: FieldInfo | None = None) -> str:
    """A type for a person, with its bounds."""
    names = list(dict.fromkeys(_names(annotation)))
    bounds = [text for item in (field.metadata if field else ()) if (text := _bound(item))]
    return ", ".join([" or ".join(names) or "any value", *bounds])


def _names(annotation: Any) -> Iterator[str]:
    origin_type, arguments = get_origin(annotation), get_args(annotation)
    if origin_type is Annotated:
        yield from _names(arguments[0])
    elif origin_type in (Union, types.UnionType):
        for argument in arguments:
            yield from _names(argument)
    elif origin_type is Literal:
        yield from (json.dumps(argument) for argument in arguments)
    elif origin_type is dict:
        yield f"object of {describe_type(arguments[1])}"
    elif origin_type in (tuple, list, set, frozenset):
        yield f"list of {describe_type(arguments[0])}"
    elif isinstance(annotation, type) and annotation is not type(None):
        yield from _class_names(annotation)


def _class_names(annotation: type) -> Iterator[str]:
    plain = {bool: "true or false", int: "integer", float: "number", str: "text"}
    if issubclass(annotation, BaseModel):
        yield "object"
    elif issubclass(annotation, Enum):
        yield from (json.dumps(member.value) for member in annotation)
    elif annotation is SecretStr:
        yield "secret"
    elif annotation is object:
        yield "any value"
    else:
        yield plain.get(annotation, annotation.__name__)


def _bound(item: Any) -> str | None:
    wording = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for attribute, text in wording.items():
        if (limit := getattr(item, attribute, None)) is not None:
            return f"{text} {limit}"
    return None


def _default(field: FieldInfo | None, *, is_object: bool) -> str:
    if field is None or is_object:
        return "its keys' defaults" if is_object else "none"
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined:
        return "none"
    return json.dumps(to_jsonable_python(value))


def _description(field: FieldInfo | None, model: type[BaseModel] | None) -> str:
    text = field.description if field else None
    if not text and model:
        text = (model.__doc__ or "").strip().split("\n\n")[0]
    return " ".join((text or "").split())


def _in_force(loaded: LoadedConfig, part: Part, inner: KeyPath, steps: KeyPath) -> tuple[Any, str]:
    """The value and its origin; a plugin's section may stand at several places."""
    if part.spec is None:
        return _value_at(effective(loaded), steps), origin(loaded, steps)
    key = (part.spec.kind, part.spec.name)
    section, node = loaded.sections.get(key), loaded.nodes.get(key)
    value = _value_at(dumped(section), inner) if section else None
    return value, origin_of(loaded, node.at(inner) if node else None)


def _value_at(shown: Any, steps: KeyPath) -> Any:
    for step in steps:
        if isinstance(shown, dict):
            shown = shown.get(str(step))
        elif isinstance(shown, list) and isinstance(step, int) and step < len(shown):
            shown = shown[step]
        else:
            return None
    return shown


def _unknown(loaded: LoadedConfig, steps: KeyPath) -> str:
    known = [
        written((*part.prefix, *path))
        for part in parts(loaded.registry)
        for path in _paths_of(part.model, part.keys)
    ]
    close = nearest(written(steps), known)
    hint = f"did you mean {close!r}?" if close else "`voicecall config show` lists what is there"
    return f"nobody knows the key {written(steps)!r}; {hint}"


def _paths_of(model: type[BaseModel], keys: frozenset[str]) -> Iterator[tuple[str, ...]]:
    for key in keys:
        yield (key,)
        if (below := model_at(model, (key,))) is not None:
            yield from ((key, child) for child in fields_of(below))
