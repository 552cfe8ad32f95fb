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


def fields_below(annotation: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every place below a value of type `annotation`, with its type; ``*`` is any key of a dict,
    0 any item of a list."""
    for option in options_of(annotation):
        below: dict[str | int, Any] = {}
        if isinstance(option, type) and issubclass(option, BaseModel):
            below = {key: info.annotation for key, info in fields_of(option).items()}
        elif get_origin(option) is dict:
            below = {"*": get_args(option)[1]}
        elif get_origin(option) in (tuple, list, set, frozenset):
            below = {0: get_args(option)[0]}
        for step, inner in below.items():
            yield (*path, step), inner
            yield from fields_below(inner, (*path, step))


def annotation_at(annotation: Any, path: KeyPath) -> Any:
    """The type of what stands at `path` below a value of type `annotation`; None: unknown."""
    if not path:
        return annotation
    for option in options_of(annotation):
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
    for option in options_of(annotation_at(model, path[:-1])):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return fields_of(option).get(path[-1])
    return None


def model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model of the object at `path`, None when there is none."""
    for option in options_of(annotation_at(model, path)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None


def is_secret(annotation: Any) -> bool:
    """Whether a value of this type is a secret."""
    return any(option is SecretStr for option in options_of(annotation))


def holds_secret(annotation: Any) -> bool:
    """Whether a value of this type is a secret or has one in it."""
    return is_secret(annotation) or any(is_secret(inner) for _, inner in fields_below(annotation))


def may_be_shown(model: type[BaseModel], path: KeyPath) -> bool:
    """Whether the value at `path` is known to be no secret."""
    annotation = annotation_at(model, path)
    options = list(options_of(annotation))
    return (
        bool(options)
        and not holds_secret(annotation)
        and not any(option in (object, Any) for option in options)
    )


def options_of(annotation: Any) -> Iterator[Any]:
    """The types that a value may have, one by one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from options_of(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from options_of(option)
    elif annotation is not None:
        yield annotation
