"""What does one rule say of a number? Yes or no, by which key, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from voicecall.errors import PolicyRefused
from voicecall.model.phone import mask_number

DESTINATION = "policy.destination"
DO_NOT_CALL = "policy.doNotCall"
QUIET_HOURS = "policy.quietHours"
RATE = "policy.rate"
SPEND = "policy.spend"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The word of one rule.

    Args:
        rule: the configuration key that it comes from, or a name for what has none.
        why: for a person.
        reason: machine-readable; None: the rule lets the call be.
    """

    rule: str
    why: str
    reason: str | None = None

    @property
    def allows(self) -> bool:
        """Whether the rule lets the call be."""
        return self.reason is None


def first_refusal(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The first rule that says no."""
    return next((verdict for verdict in verdicts if not verdict.allows), None)


def require_all(number: str, verdicts: Iterable[Verdict]) -> None:
    """Check that every rule lets `number` be dialled.

    Raises:
        PolicyRefused: one does not.
    """
    refusal = first_refusal(verdicts)
    if refusal is not None and refusal.reason is not None:
        raise PolicyRefused(
            f"{mask_number(number)} is not called: {refusal.why} ({refusal.rule})",
            reason=refusal.reason,
        )
