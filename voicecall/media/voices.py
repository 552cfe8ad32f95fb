"""Whose voice speaks on a call? The general one, or that of the number that was dialled."""

from __future__ import annotations

from collections.abc import Mapping

from voicecall.media.phrases import PreparedVoice
from voicecall.model.call import CallRecord, Direction
from voicecall.model.speech import Utterance


class Voices:
    """The voices of a gateway.

    Args:
        general: speaks where nothing else is said.
        by_number: instead of it, for calls to these numbers of ours.
    """

    def __init__(
        self, general: PreparedVoice, by_number: Mapping[str, PreparedVoice] | None = None
    ) -> None:
        self.general = general
        self._by_number = by_number or {}

    def of(self, record: CallRecord) -> PreparedVoice:
        """The voice of a call."""
        if record.direction is not Direction.INBOUND:
            return self.general
        return self._by_number.get(record.to_number or "", self.general)

    async def prepare(self, record: CallRecord, text: str) -> None:
        """Make `text` ahead in the voice of a call; nothing is lost when that fails."""
        await self.of(record).prepare(Utterance(text=text))
