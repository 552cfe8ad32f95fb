"""Do two configurations of a plugin differ in secrets only? Those may change while it is open."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from voicecall.config.models import fields_below, is_secret


def only_secrets_differ(one: BaseModel, other: BaseModel) -> bool:
    """Whether all but secrets is equal; they may be more or fewer where several are allowed."""
    return type(one) is type(other) and all(
        _alike(info.annotation, getattr(one, name), getattr(other, name))
        for name, info in type(one).model_fields.items()
    )


def _alike(annotation: Any, one: Any, other: Any) -> bool:
    if one == other or _is_secrets(annotation):
        return True
    if isinstance(one, BaseModel) and isinstance(other, BaseModel):
        return only_secrets_differ(one, other)
    return False


def _is_secrets(annotation: Any) -> bool:
    """Whether it is a secret, or holds secrets and nothing else."""
    if is_secret(annotation):
        return True
    below = [inner for _, inner in fields_below(annotation)]
    return bool(below) and all(is_secret(inner) for inner in below)
