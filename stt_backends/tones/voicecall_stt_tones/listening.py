"""What was said, and when did it end? Marks in, recognition events out."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from voicecall.sdk import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial
from voicecall_stt_tones.codebook import END, START, UNIT_MS
from voicecall_stt_tones.marks import SILENT

PARTIAL_EVERY = 10
"""A partial is given at the end of each word, and at the latest after so many characters."""

_UNREADABLE = 0xFF
"""Stands for a damaged unit; no UTF-8 text holds it, so it shows as U+FFFD."""


class Listener:
    """Puts the marks of one stream together.

    Args:
        silence_seconds: silence after which an utterance that lacks its end is over.
    """

    def __init__(self, silence_seconds: float) -> None:
        self._patience = max(1, round(silence_seconds * 1000 / UNIT_MS))
        self._speaking = False
        self._begin()

    def hear(self, mark: int) -> Iterator[SpeechEvent]:
        """Take the next mark: a byte, `START`, `END`, `SILENT` or `DAMAGED`."""
        if mark == START:
            yield from self.finish()
            self._begin()
            self._speaking = True
            yield SpeechBegan()
        elif not self._speaking:
            return
        elif mark == END:
            yield self._final(self._text())
        elif mark == SILENT:
            yield from self._wait()
        else:
            yield from self._add(mark if mark >= 0 else _UNREADABLE)

    def finish(self) -> Iterator[SpeechEvent]:
        """Whatever was begun is over without its end: give the part that was played."""
        if self._speaking:
            while self._bytes and self._bytes[-1] == _UNREADABLE:
                self._bytes.pop()
            yield self._final(self._text())

    def _final(self, text: str) -> SpeechFinal:
        self._speaking = False
        ago = self._silent * UNIT_MS / 1000
        return SpeechFinal(text=text, confidence=1.0, speech_ended_ago=ago)

    def _begin(self) -> None:
        self._repeat = 0
        self._symbol: list[int] = []
        self._bytes = bytearray()
        self._silent = 0
        self._told = 0

    def _wait(self) -> Iterator[SpeechEvent]:
        self._silent += 1
        if self._silent >= self._patience:
            yield from self.finish()

    def _add(self, value: int) -> Iterator[SpeechEvent]:
        self._silent = 0
        if not self._repeat:
            self._repeat = value if 0 < value < _UNREADABLE else 1
            return
        self._symbol.append(value)
        if len(self._symbol) < self._repeat:
            return
        # All equal, or some damaged: a damaged unit has the highest value.
        self._bytes.append(min(self._symbol))
        self._symbol.clear()
        yield from self._tell()

    def _tell(self) -> Iterator[SpeechEvent]:
        text = self._text()
        fresh = len(text) - self._told
        if fresh >= PARTIAL_EVERY or (fresh and text[-1].isspace()):
            self._told = len(text)
            yield SpeechPartial(text=text)

    def _text(self) -> str:
        return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._bytes))
