"""When did the caller begin and stop, and what was said? Deepgram's messages in, events out.

A turn is every settled stretch until `speech_final`, or until the gap between words that Deepgram
reports where noise hides the silence:
https://developers.deepgram.com/docs/understand-endpointing-interim-results
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from voicecall.sdk import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial
from voicecall_stt_deepgram.messages import Result, SpeechStarted, UtteranceEnd


@dataclass(slots=True, kw_only=True)
class _Turn:
    """What is known of the turn that is going on, or of none yet."""

    begun: bool = False
    settled: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    unsettled: str = ""
    words_end: float | None = None
    told: str = ""

    @property
    def text(self) -> str:
        return " ".join([*self.settled, *([self.unsettled] if self.unsettled else [])])

    def settle(self, result: Result) -> None:
        self.unsettled = ""
        if result.text:
            self.settled.append(result.text)
            self.confidences.append(result.confidence)
        if result.words_end is not None:
            self.words_end = result.words_end


class Turns:
    """Puts the messages of one stream together; outlives its connections."""

    def __init__(self) -> None:
        self._turn = _Turn()

    @property
    def speaking(self) -> bool:
        """Whether a turn was begun and is not over."""
        return self._turn.begun

    def hear(
        self, message: SpeechStarted | Result | UtteranceEnd, position: float
    ) -> Iterator[SpeechEvent]:
        """Take the next message.

        Args:
            message: what Deepgram says.
            position: how many seconds of audio this connection was sent.
        """
        match message:
            case SpeechStarted():
                yield from self._begin()
            case Result():
                yield from self._hear_result(message, position)
            case UtteranceEnd(words_end=words_end):
                yield from self._end(position, words_end)

    def reconnect(self) -> None:
        """A new connection: what was not settled will be heard again, on a clock of its own."""
        self._turn.words_end = None

    def finish(self) -> Iterator[SpeechEvent]:
        """Nothing more comes: end what was begun with what is known."""
        yield from self._end(0.0, None)

    def _hear_result(self, result: Result, position: float) -> Iterator[SpeechEvent]:
        turn = self._turn
        if result.text:
            yield from self._begin()
        if result.is_final:
            turn.settle(result)
        else:
            turn.unsettled = result.text
        if result.is_final and result.ends_turn:
            yield from self._end(position, turn.words_end)
        elif turn.text and turn.text != turn.told:
            turn.told = turn.text
            yield SpeechPartial(text=turn.text)

    def _begin(self) -> Iterator[SpeechEvent]:
        if not self._turn.begun:
            self._turn.begun = True
            yield SpeechBegan()

    def _end(self, position: float, words_end: float | None) -> Iterator[SpeechEvent]:
        turn = self._turn
        if not turn.begun:
            return
        self._turn = _Turn()
        sure = sum(turn.confidences) / len(turn.confidences) if turn.confidences else None
        ago = 0.0 if words_end is None else max(0.0, position - words_end)
        yield SpeechFinal(text=turn.text, confidence=sure, speech_ended_ago=ago)
