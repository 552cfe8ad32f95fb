"""Which missing keys does the environment fill? Only those of selected plugins."""

from __future__ import annotations

from collections.abc import Mapping

from voicecall.config.models import field_at, is_secret
from voicecall.config.tree import Node, Place
from voicecall.sdk.specs import PluginSpec


def filled(node: Node, variables: Mapping[str, str], environ: Mapping[str, str]) -> Node:
    """`node` with each missing key taken from its variable, when that is set and not empty.

    Args:
        variables: dotted key → variable.
    """
    for key, variable in variables.items():
        path = tuple(key.split("."))
        present = node.at(path)
        value = environ.get(variable)
        if value and (present is None or present.value is None):
            node = node.put(path, Node(value, Place(path=path, variable=variable)))
    return node


def has_credentials(spec: PluginSpec, environ: Mapping[str, str]) -> bool:
    """Whether the environment holds a secret that `spec` says is its own."""
    return any(
        environ.get(variable)
        for key, variable in spec.environment.items()
        if (field := field_at(spec.config, tuple(key.split(".")))) is not None
        and is_secret(field.annotation)
    )
