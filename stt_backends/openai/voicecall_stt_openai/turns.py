"""What was said, in which order? OpenAI's events in, ours out: one turn after the other.

OpenAI may write a later turn down before an earlier one, and hear a new one before the last is
written down: https://developers.openai.com/api/docs/guides/realtime-transcription
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from voicecall.sdk import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial
from voicecall_stt_openai.messages import (
    Committed,
    Completed,
    Delta,
    Failed,
    ItemEvent,
    SpeechStopped,
)


@dataclass(slots=True, kw_only=True)
class _Item:
    """A turn that was begun. `until`: its end in seconds of the connection, silence included;
    `stopped_at`: when we heard of that."""

    name: str
    text: str = ""
    until: float | None = None
    stopped_at: float | None = None
    written: bool = False


class Turns:
    """Puts the events of one stream in order; outlives its connections.

    Args:
        silence_seconds: what OpenAI waits for until it says that speech has stopped.
        writing_seconds: for how long a turn may be written down until we go on without it.
    """

    def __init__(self, *, silence_seconds: float, writing_seconds: float) -> None:
        self._silence_seconds = silence_seconds
        self._writing_seconds = writing_seconds
        self._items: list[_Item] = []
        self._over: set[str] = set()
        self._begun = False
        self._told = ""
        self.recognised = 0.0
        """Up to where the connection's audio is settled, in seconds."""

    @property
    def pending(self) -> bool:
        """Whether a turn was begun and is not over."""
        return bool(self._items)

    def hear(self, event: ItemEvent, *, position: float, now: float) -> Iterator[SpeechEvent]:
        """Take the next event.

        Args:
            event: what OpenAI says.
            position: how many seconds of audio the connection was sent.
            now: seconds on some clock that does not jump.
        """
        if event.item in self._over:
            return
        item = self._item(event)
        match event:
            case SpeechStopped(until=until):
                item.until, item.stopped_at = until, now
            case Committed() if item.stopped_at is None:
                item.stopped_at = now
            case Delta(text=text):
                item.text += text
            case Completed(text=text):
                item.text, item.written = text, True
            case Failed():
                item.written = True
        yield from self._tell(position)

    def expire(self, *, position: float, now: float) -> Iterator[SpeechEvent]:
        """Go on without what takes too long."""
        for item in self._items:
            if item.stopped_at is not None and now - item.stopped_at >= self._writing_seconds:
                item.written = True
        yield from self._tell(position)

    def reconnect(self) -> None:
        """The connection was lost: what is not over will be heard again, as other items."""
        self._items.clear()
        self._over.clear()
        self.recognised = 0.0

    def finish(self) -> Iterator[SpeechEvent]:
        """Nothing more comes: end what was begun with what is known."""
        if self._items:
            self._items[0].text = self._items[0].text or self._told
            for item in self._items:
                item.written = True
            yield from self._tell(0.0)
        elif self._begun:
            self._begun = False
            yield SpeechFinal(text=self._told)

    def _item(self, event: ItemEvent) -> _Item:
        for item in self._items:
            if item.name == event.item:
                return item
        item = _Item(name=event.item)
        self._items.insert(self._place(event), item)
        return item

    def _place(self, event: ItemEvent) -> int:
        """Where a new item belongs: behind the one that OpenAI says it follows, or at the end."""
        if isinstance(event, Committed):
            for index, item in enumerate(self._items):
                if item.name == event.previous:
                    return index + 1
        return len(self._items)

    def _tell(self, position: float) -> Iterator[SpeechEvent]:
        """What can be told now: only the first turn that is not over is heard of."""
        while self._items:
            item = self._items[0]
            if not self._begun:
                self._begun = True
                yield SpeechBegan()
            text = item.text.strip()
            if not item.written:
                if text and text != self._told:
                    self._told = text
                    yield SpeechPartial(text=text)
                return
            self._over.add(self._items.pop(0).name)
            self._begun, self._told = False, ""
            if item.until is not None:
                self.recognised = max(self.recognised, item.until)
            yield SpeechFinal(text=text, speech_ended_ago=self._ago(item, position))

    def _ago(self, item: _Item, position: float) -> float:
        if item.until is None:
            return 0.0
        return max(0.0, position - (item.until - self._silence_seconds))
