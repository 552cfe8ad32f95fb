"""How many calls may an agent ask for before a person looks at it again?"""

from __future__ import annotations

from voicecall.errors import PolicyRefused

MAX_CALLS = 20


class CallBudget:
    """Counts the calls that one session asks for, refused ones included.

    Args:
        limit: how many it may ask for.
    """

    def __init__(self, limit: int = MAX_CALLS) -> None:
        self._limit = limit
        self._asked = 0

    def take(self) -> None:
        """Count one more.

        Raises:
            PolicyRefused: that would be too many.
        """
        if self._asked >= self._limit:
            raise PolicyRefused(
                f"this session has asked for its {self._limit} calls; a person has to begin anew",
                reason="policy.session",
            )
        self._asked += 1
