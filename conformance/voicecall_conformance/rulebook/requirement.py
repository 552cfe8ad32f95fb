"""What is a rule? An id, a sentence, who keeps it, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MANUAL = "docs/conformance.md"
"""The page that lists every rule, in the source of voicecall."""


class Level(StrEnum):
    """Who has to keep a rule."""

    CORE = "core"
    """Every plugin of the kind."""
    MEDIA = "media"
    """Every provider that declares media streams; others refuse them."""
    ROBUST = "robust"
    """Every plugin that wants to be trusted when its carrier or vendor misbehaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One rule.

    Args:
        id: ``area.name``, for ever.
        text: what must hold, in one sentence.
        level: who has to keep it.
        lessons: lines of the project's collected lessons that it comes from.
        implies: rules that cannot hold when this one is broken.
        since: version of this package that introduced it.
    """

    id: str
    text: str
    level: Level = Level.CORE
    lessons: tuple[int, ...] = ()
    implies: tuple[str, ...] = ()
    since: str = "0.1"

    @property
    def area(self) -> str:
        """The part before the dot."""
        return self.id.partition(".")[0]

    @property
    def link(self) -> str:
        """Where the manual says more."""
        return f"{MANUAL}#{self.id}"
