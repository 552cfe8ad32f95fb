"""What does a carrier's double note down, and which words does it share with the suite?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from voicecall.sdk import CarrierCallId, Instruction


class Untold(Enum):
    """What a double says of something that it does not look at."""

    UNTOLD = "untold"


UNTOLD: Final = Untold.UNTOLD


class Failure(StrEnum):
    """A way in which a carrier refuses to work."""

    CREDENTIALS = "credentials"
    """It does not know who we are."""
    RATE = "rate"
    """We ask too often."""
    REFUSED = "refused"
    """It understood, and will not."""
    BROKEN = "broken"
    """It fails itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """The carrier was told to dial.

    Args:
        callbacks: all the URLs that it was given.
        state: what it was given to repeat in every report, decoded.
        from_number: whom the callee sees calling, in E.164.
        digits: keys to press once the call is answered, as `SendDigits` writes them (``w``,
            ``W``) and not as the carrier does; None when there are none.
        detects: whether it is to find out if a machine answers.
        awaits_beep: whether it is to wait for the end of a machine's greeting.
    """

    carrier_call_id: CarrierCallId
    to_number: str
    ring_timeout_seconds: float | None
    max_duration_seconds: float | None
    callbacks: tuple[str, ...]
    state: str = ""
    from_number: str | None | Untold = UNTOLD
    digits: str | None | Untold = UNTOLD
    detects: bool | Untold = UNTOLD
    awaits_beep: bool | Untold = UNTOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Commanded:
    """The carrier was told what to do with a call, in one request."""

    carrier_call_id: CarrierCallId
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """The carrier was told to end a call."""

    carrier_call_id: CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The carrier was asked about a call."""

    carrier_call_id: CarrierCallId


LedgerEntry = Dialled | Commanded | HungUp | Asked


@dataclass(frozen=True, slots=True)
class Deviation:
    """A rule that a provider cannot keep, and why; the test is then expected to fail.

    Raises:
        ValueError: no reason is given.
    """

    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("a Deviation says why the rule cannot be kept")
