"""Where do answers wait whose caller comes back for them? In a bounded table by operation id."""

from __future__ import annotations

import secrets
from collections import OrderedDict

from voicecall.errors import CapacityExceeded, InvalidRequest
from voicecall.rpc.errands import Errand

Payload = dict[str, object]

MAX_OPERATIONS = 256


class Operations:
    """Errands that are asked after by id; of the finished ones the oldest are forgotten first.

    Args:
        limit: how many are kept.
    """

    def __init__(self, limit: int = MAX_OPERATIONS) -> None:
        self._limit = limit
        self._errands: OrderedDict[str, Errand[Payload]] = OrderedDict()

    def require_room(self) -> None:
        """Forget finished operations until there is room for one more.

        Raises:
            CapacityExceeded: all of them are still under way.
        """
        finished = [key for key, errand in self._errands.items() if errand.is_done]
        for key in finished:
            if len(self._errands) < self._limit:
                return
            del self._errands[key]
        if len(self._errands) >= self._limit:
            raise CapacityExceeded(f"{self._limit} operations are under way; wait for one to end")

    def add(self, errand: Errand[Payload]) -> str:
        """Keep `errand` and return the id to ask for it with."""
        operation_id = secrets.token_urlsafe(12)
        self._errands[operation_id] = errand
        return operation_id

    def find(self, operation_id: str) -> Errand[Payload]:
        """The errand that was kept as `operation_id`.

        Raises:
            InvalidRequest: nobody knows it (any more).
        """
        errand = self._errands.get(operation_id)
        if errand is None:
            raise InvalidRequest("Operation not found")
        return errand
