"""What an event sink plugin implements: it tells somebody else what happened."""

from __future__ import annotations

from abc import ABC, abstractmethod

from voicecall.model.call_events import CallEvent


class EventSink(ABC):
    """Takes every event after it was stored."""

    @abstractmethod
    async def write(self, event: CallEvent) -> None:
        """Take the next event. A sink that fails or is slow loses events, never a call."""
