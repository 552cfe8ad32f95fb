"""What does a configuration model know about a key: its field, its type, is it secret?"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from voicecall.config.positions import KeyPath


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the key that the file uses."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def annotation_at(annotation: Any, path: KeyPath) -> Any:
    """The type of what stands at `path` below a value of type `annotation`; None: unknown."""
    if not path:
        return annotation
    for option in _options(annotation):
        origin = get_origin(option)
        below = None
        if isinstance(option, type) and issubclass(option, BaseModel):
            info = fields_of(option).get(str(path[0]))
            below = info.annotation if info else None
        elif origin is dict:
            below = get_args(option)[1]
        elif origin in (tuple, list, set, frozenset):
            below = get_args(option)[0]
        if below is not None and (found := annotation_at(below, path[1:])) is not None:
            return found
    return None


def field_at(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """The field at `path`, None when it is no field of a model."""
    if not path or not isinstance(path[-1], str):
        return None
    for option in _options(annotation_at(model, path[:-1])):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return fields_of(option).get(path[-1])
    return None


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model of the object at `path`, None when there is none."""
    for option in _options(annotation_at(model, path)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def is_secret(annotation: Any) -> bool:
    """Whether a value of this type is a secret."""
    return any(option is SecretStr for option in _options(annotation))


def may_be_shown(model: type[BaseModel], path: KeyPath) -> bool:
    """Whether the value at `path` is known to be no secret."""
    annotation = annotation_at(model, path)
    options = list(_options(annotation))
    return bool(options) and not any(
        option in (object, Any, SecretStr) or option is None for option in options
    )


def _options(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _options(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    elif annotation is not None:
        yield annotation
