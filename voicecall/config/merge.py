"""How do several places make one section? Objects recurse; scalars and lists replace."""

from __future__ import annotations

from dataclasses import replace

from voicecall.config.tree import Node


def merge(base: Node | None, over: Node | None) -> Node | None:
    """`over` laid on `base`; a merged object keeps the place of `over`."""
    if base is None or over is None:
        return over if base is None else base
    if not (base.is_object and over.is_object):
        return over
    merged = dict(base.members)
    for key, node in over.members.items():
        laid = merge(merged.get(key), node)
        if laid is not None:
            merged[key] = laid
    return replace(over, value=merged)
