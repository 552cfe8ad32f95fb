"""What an event sink plugin implements: it tells somebody else what happened."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from voicecall.model.call_events import CallEvent
from voicecall.model.ids import CallId, CarrierCallId


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandled:
    """A carrier's webhook that was genuine and new, and is answered.

    Args:
        carrier_call_id: the call that it is about, as the carrier names it.
        kinds: the names of the carrier events that it brought.
        at: when it came, in seconds since the epoch.
        seconds: how long it took until the answer was there.
    """

    carrier_call_id: CarrierCallId
    kinds: tuple[str, ...]
    at: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUrlChanged:
    """The URL by which carriers reach us is another now.

    Args:
        former: the webhook URL that was.
        current: the webhook URL that is.
        at: when it was noticed, in seconds since the epoch.
    """

    former: str
    current: str
    at: float


class EventSink(ABC):
    """Takes every event after it was stored."""

    @abstractmethod
    async def write(self, event: CallEvent) -> None:
        """Take the next event, and soon: whoever falls 256 events behind loses some.

        What takes long (a receiver that does not answer) belongs into a task and a queue of the
        sink's own. An exception is logged with the sink's name and loses this event, never a
        call.
        """

    def webhook_handled(self, webhook: WebhookHandled) -> None:  # noqa: B027
        """Take note of a webhook, at once and without waiting; nothing unless overridden."""

    def public_url_changed(self, change: PublicUrlChanged) -> None:  # noqa: B027
        """Take note of a new public URL, likewise. Since 0.1."""


class Showing(Protocol):
    """How calls and events look to clients: the JSON objects that every door of ours gives."""

    def event(self, event: CallEvent) -> Mapping[str, object]:
        """`event` as event streams show it: `type`, `callId`, `number`, `at` (ms), its fields."""
        ...

    async def call(self, call_id: CallId) -> Mapping[str, object] | None:
        """The call as it is stored now, as `voicecall.status` shows it; None: there is none.

        Raises:
            StoreError: the store cannot be read.
        """
        ...
