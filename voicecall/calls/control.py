"""What may a call's conversation do with its call? The Protocol between the two."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from voicecall.calls.facts import Fact
from voicecall.model.call import CallRecord, CallState, TranscriptLine
from voicecall.model.instructions import Instruction


class CallControl(Protocol):
    """What a conversation may do with its call."""

    @property
    def record(self) -> CallRecord:
        """The call as it is now."""
        ...

    @property
    def lines(self) -> list[TranscriptLine]:
        """What was said so far, also what is still on its way into the record."""
        ...

    def spawn(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        """Run `function` as one of the call's tasks, which end with the call."""
        ...

    def post(self, fact: Fact) -> None:
        """Tell the machine, without waiting."""
        ...

    def partial(self, text: str) -> None:
        """Publish what the caller seems to be saying."""
        ...

    def deliver(self, instructions: Sequence[Instruction]) -> None:
        """Hand instructions to the carrier."""
        ...

    def withdraw_speech(self) -> bool:
        """Take back what should be spoken and listened to, if it has not left."""
        ...

    def hang_up(self, state: CallState, detail: str | None = None) -> None:
        """End the call."""
        ...

    def line_lost(self, reason: str, *, lasted: float | None = None) -> None:
        """See whether the call is still up, and get its stream back if so.

        Args:
            reason: why there is none.
            lasted: how long there was one, in call seconds; None: it is not the stream that failed.
        """
        ...
