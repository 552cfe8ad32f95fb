"""Which numbers do we remember for more than a call? Those on the lists that the store keeps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class NumberList(StrEnum):
    """Every list; a number is at most once on each."""

    DO_NOT_CALL = "do-not-call"
    """Never dialled."""
    PAIRED = "paired"
    """May call us; joined the allowlist by pairing."""
    PENDING = "pending"
    """Called us as a stranger and was given a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedNumber:
    """A number on a list.

    Args:
        number: E.164.
        at: since when, in seconds since the epoch.
        source: how it came there: ``speech`` ``digit`` ``operator``, empty where that is clear.
        call_id: the call in which it came there.
        code: on `PENDING`: what its caller was told.
        calls: on `PENDING`: how often.
    """

    number: str
    at: float
    source: str = ""
    call_id: str | None = None
    code: str | None = None
    calls: int = 0
