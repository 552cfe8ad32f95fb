"""Where is a command until Plivo comes for it? Here, under a token in the URL that Plivo fetches.

A live call is moved to another document by that document's URL, and the URL is no place for what
is said on a call. A fetch that is repeated finds the same command. After a restart nothing is
found, and Plivo is told what the gateway then wants of the call.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Sequence

from voicecall.sdk import Instruction

MAX_KEPT = 2048


class KeptCommands:
    """The latest commands of all calls."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Instruction, ...]] = OrderedDict()

    def keep(self, instructions: Sequence[Instruction]) -> str:
        """Keep `instructions`; the token under which they are found."""
        token = secrets.token_urlsafe(16)
        self._kept[token] = tuple(instructions)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return token

    def find(self, token: str | None) -> tuple[Instruction, ...] | None:
        """What was kept under `token`."""
        return self._kept.get(token or "")

    def drop(self, token: str) -> None:
        """Plivo will not come for it."""
        self._kept.pop(token, None)
