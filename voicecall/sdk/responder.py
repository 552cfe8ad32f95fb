"""What a responder plugin implements: it decides what we say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from voicecall.model.speech import EndedCall, ReplyPart, Turn


class ReplySink(Protocol):
    """Takes a reply as it is made."""

    async def write(self, part: ReplyPart) -> None:
        """Take the next part; waits while the caller has too much still to hear.

        Raises:
            PolicyRefused: a `TransferCall` to a number that `outbound.guard` does not allow.
            InvalidRequest: digits or a number that nobody can dial.
        """
        ...


class Responder(ABC):
    """Answers callers."""

    @abstractmethod
    async def respond(self, turn: Turn, out: ReplySink) -> None:
        """Push the reply to `turn` into `out` and return at its end; no parts: stay silent.

        Cancelled when the caller speaks on. `EndCall` takes effect after what was said is heard.

        Raises:
            ResponderError: no reply can be made.
        """

    async def call_ended(self, call: EndedCall) -> None:  # noqa: B027
        """Learn that `call` is over, whether it was asked or not, for whoever keeps a memory.

        Has a few seconds; what it raises is logged and changes nothing. Since 0.1.
        """
