"""Does a section fit its owner's model? What does not is reported at its place in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from voicecall.config.models import (
    annotation_at,
    field_at,
    fields_of,
    holds_secret,
    is_secret,
    model_at,
)
from voicecall.config.positions import KeyPath, written
from voicecall.config.problems import KERNEL
from voicecall.config.report import Report
from voicecall.config.tree import Node
from voicecall.plugins.naming import nearest
from voicecall.sdk.config import SecretResolver, Section

M = TypeVar("M", bound=Section)

_ROUNDS = 20
"""More rounds of leaving out what is wrong than any file needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How strictly a section is judged.

    Args:
        owner: named in every problem.
        secrets: resolves its secrets.
        environment: key → variable that fills it, for the advice when it is missing.
        complete: whether a missing secret, or key that a variable may fill, is an error.
        is_foreign: whether a node stands where unknown keys are others' business.
    """

    secrets: SecretResolver
    owner: str = KERNEL
    environment: dict[str, str]
    complete: bool = True
    is_foreign: Callable[[Node], bool] = lambda node: False


def fit(model: type[M], node: Node, rules: Rules, report: Report) -> M | None:
    """The section as a value of its model; None when it does not fit, which is reported."""
    node = _without_foreign(model, node, rules, report)
    try:
        return model.model_validate(node.plain(), context={"secrets": rules.secrets})
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _tell(model, node, fault, rules, report)
        return None
    except Exception as error:  # a plugin's own validator; its text may hold a secret
        report.error(
            f"the plugin's own check raised {type(error).__name__}",
            node,
            owner=rules.owner,
            suggestion=f"report it to the authors of {rules.owner}",
        )
        return None


def fit_as_far_as_possible(model: type[M], node: Node, rules: Rules, report: Report) -> M:
    """The same for a model that needs no key: what does not fit is reported and left out."""
    for attempt in range(_ROUNDS):
        try:
            return model.model_validate(node.plain(), context={"secrets": rules.secrets})
        except ValidationError as error:
            faults = error.errors(include_url=False)
        for fault in faults:
            if attempt == 0:
                _tell(model, node, fault, rules, report)
            path, _ = _deepest(node, fault["loc"])
            node = node.drop(path) if path else Node({}, node.place)
    return model.model_validate({})


def _without_foreign(model: type[M], node: Node, rules: Rules, report: Report) -> Node:
    """Leave out unknown keys where the file belongs to others, with a warning."""
    for path, child in list(node.walk()):
        parent = model_at(model, path[:-1]) if path else None
        unknown = parent is not None and path[-1] not in fields_of(parent)
        if unknown and rules.is_foreign(child):
            report.warning(
                f"{written(path)!r} has no use for calls and is ignored", child, owner=rules.owner
            )
            node = node.drop(path)
    return node


def _tell(model: type[BaseModel], node: Node, fault: Any, rules: Rules, report: Report) -> None:
    loc: KeyPath = tuple(fault["loc"])
    path, found = _deepest(node, loc)
    match fault["type"]:
        case "extra_forbidden":
            parent = model_at(model, path[:-1])
            close = nearest(str(path[-1]), fields_of(parent) if parent else ())
            known = ", ".join(sorted(fields_of(parent))) if parent else "none"
            report.error(
                f"unknown key {path[-1]!r}",
                found,
                owner=rules.owner,
                suggestion=f"did you mean {close!r}?" if close else f"known keys here: {known}",
                at_key=True,
            )
        case "missing":
            _tell_missing(model, loc, found, path, rules, report)
        case _:
            report.error(_wording(model, path, found, fault), found, owner=rules.owner)


def _tell_missing(
    model: type[BaseModel], loc: KeyPath, found: Node, path: KeyPath, rules: Rules, report: Report
) -> None:
    variable = rules.environment.get(".".join(map(str, loc)))
    field = field_at(model, loc)
    may_wait = variable or (field is not None and is_secret(field.annotation))
    if may_wait and not rules.complete:
        return
    report.error(
        f"missing key {loc[-1]!r}",
        found,
        owner=rules.owner,
        suggestion=f"write it, or set environment variable {variable}" if variable else None,
        missing=loc[len(path) :],
    )


def _wording(model: type[BaseModel], path: KeyPath, found: Node, fault: Any) -> str:
    if fault["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "this must be an object"
    message = str(fault["msg"])
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if not path and found.is_object:
        return message
    name = repr(str(path[-1])) if path and isinstance(path[-1], str) else "this"
    text = f"{name}: {message[:1].lower()}{message[1:]}"
    hidden = holds_secret(annotation_at(model, path)) or found.is_object
    if hidden or fault["type"] == "value_error" or isinstance(found.value, list):
        return text
    return f"{text}, not {found.value!r}"


def _deepest(node: Node, loc: tuple[Any, ...]) -> tuple[KeyPath, Node]:
    """How far `loc` can be followed, and what stands there."""
    path: KeyPath = ()
    for step in loc:
        below = node.child(step) if isinstance(step, str | int) else None
        if below is None:
            continue
        node, path = below, (*path, step)
    return path, node
