"""Who has the floor? Decides what the caller's speech does to ours; pure.

Evidence that the caller takes the floor is words that are neither a backchannel nor our own
echo, or, while we are heard, a voice that goes on. A reply that is not heard yet waits while
there is only a voice, and is void with the first word. With nothing of ours at stake, any
speech will do.

A voice alone may be a cough: it only pauses what is heard. Words then take the floor for good;
where none come, what was paused goes on, once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from voicecall.config.schema import TurnSettings
from voicecall.model.speech import SpeechBegan, SpeechEvent, SpeechFinal, SpeechPartial

LONGEST_PAUSE_SECONDS = 10.0
"""Who makes themselves heard for so long, has the floor without a word that we understand."""
LONGEST_ECHO = 2000
"""Characters of ours that may come back in one piece."""
ECHO_LIKENESS = 0.8
"""The part of a text that must be ours, in order, to be our echo."""
ECHO_VOICE_SECONDS = 0.1
"""A shorter voice beside our own is a rest of it."""
ECHO_WORDS = 3
"""So many words of ours are our echo even if the voice seems to be the caller's."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceGoesOn:
    """Another frame of the caller's audio was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Our side at this moment.

    Args:
        saying: what the caller hears from us, or heard until a moment ago.
        said: what the caller heard from us some seconds ago, or hears.
        playing: whether our speech is audible.
        protected: whether it must not be interrupted.
        paused: for how many seconds our speech has been paused for this voice; None: it is not.
        resumed: whether our speech went on after such a pause already.
        pending: whether a reply is being made or waits to be played.
        voice: seconds that the caller's own voice has lasted by now.
        longest_voice: the longest that it lasted since what we understood last.
    """

    saying: str = ""
    said: str = ""
    playing: bool = False
    protected: bool = False
    paused: float | None = None
    resumed: bool = False
    pending: bool = False
    voice: float = 0.0
    longest_voice: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerSpeech:
    """The caller's speech as far as it has come; the policy's whole memory.

    Args:
        going_on: it began and is not final.
        took_floor: it has voided what we were saying or about to say.
        over: what of ours was audible while it lasted; its echo must be told from it.
        voice: the longest that the caller's own voice lasted in it, seconds.
    """

    going_on: bool = False
    took_floor: bool = False
    over: str = ""
    voice: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an event means.

    Args:
        takes_floor: from here on our reply is void and what is played is to be cut.
        pauses: fall silent, so that our speech can go on if it was nothing.
        holds: do not begin to speak now; the caller may be about to say something.
        words: pass the text on; a final counts as the caller's turn.
        echo: it was our own voice.
    """

    takes_floor: bool = False
    pauses: bool = False
    holds: bool = False
    words: bool = False
    echo: bool = False


class TurnPolicy:
    """The rules of `turns`.

    Args:
        settings: thresholds and backchannels.
    """

    def __init__(self, settings: TurnSettings) -> None:
        self._wordless_voice = max(settings.min_speech_ms, settings.interrupt_after_ms) / 1000
        self._backchannels = {words_of(text) for text in settings.backchannels}
        self._longest_backchannel = max(map(len, self._backchannels), default=0)
        self._echo_gate = settings.echo_gate

    def judge(
        self, speech: CallerSpeech, event: SpeechEvent | VoiceGoesOn, floor: Floor
    ) -> tuple[CallerSpeech, Verdict]:
        """The caller's speech after `event`, and what the event means.

        Args:
            speech: what the last call returned, or `CallerSpeech()`.
            event: from recognition, or one more frame of audio.
            floor: our side now.
        """
        match event:
            case SpeechBegan():
                over = "" if floor.paused is None else speech.over
                return self._voice(CallerSpeech(going_on=True, over=over), floor)
            case VoiceGoesOn():
                return self._voice(speech, floor) if speech.going_on else (speech, Verdict())
            case SpeechPartial(text=text):
                return self._partial(_carry_on(speech, floor), words_of(text), floor)
            case SpeechFinal(text=text):
                verdict = self._final(_carry_on(speech, floor), words_of(text), floor)
                return CallerSpeech(), verdict

    def _voice(self, speech: CallerSpeech, floor: Floor) -> tuple[CallerSpeech, Verdict]:
        speech = _carry_on(speech, floor)
        if floor.paused is None and speech.over and speech.voice < self._wordless_voice:
            return speech, Verdict()
        if floor.playing and not (floor.protected or floor.resumed):
            return speech, Verdict(pauses=not speech.took_floor)
        undecided = floor.pending and not floor.playing and not speech.took_floor
        if undecided and (floor.paused or 0.0) < LONGEST_PAUSE_SECONDS:
            return speech, Verdict(holds=True)
        return _take_floor(speech, floor, True)

    def _partial(
        self, speech: CallerSpeech, words: tuple[str, ...], floor: Floor
    ) -> tuple[CallerSpeech, Verdict]:
        if self._is_echo(words, speech, floor):
            return speech, Verdict(echo=True)
        speaking = floor.playing or floor.paused is not None
        evidence = bool(words) and not (speaking and self._is_backchannel(words))
        speech, verdict = _take_floor(speech, floor, evidence)
        return speech, replace(verdict, words=bool(words))

    def _final(self, speech: CallerSpeech, words: tuple[str, ...], floor: Floor) -> Verdict:
        if not words:
            return Verdict()
        if self._is_echo(words, speech, floor):
            return Verdict(echo=True)
        speaking = floor.playing or floor.paused is not None
        if speaking and not speech.took_floor and self._is_backchannel(words):
            return Verdict()
        _, verdict = _take_floor(speech, floor, True)
        return replace(verdict, words=True)

    def _is_backchannel(self, words: tuple[str, ...]) -> bool:
        """Whether `words` are backchannels and nothing else, for example "mhm, okay"."""
        if not words:
            return True
        return any(
            words[:length] in self._backchannels and self._is_backchannel(words[length:])
            for length in range(1, min(len(words), self._longest_backchannel) + 1)
        )

    def _is_echo(self, words: tuple[str, ...], speech: CallerSpeech, floor: Floor) -> bool:
        """Whether we hear ourselves: words of ours while they sounded, or some seconds later. A
        few of them, or later ones, may be the caller's, if that voice was heard at all."""
        if not self._echo_gate or not words:
            return False
        many = len(words) >= ECHO_WORDS
        voiceless = max(speech.voice, floor.longest_voice) < ECHO_VOICE_SECONDS
        if _sounds_like(words, words_of(speech.over)):
            return many or voiceless
        return many and voiceless and _sounds_like(words, words_of(floor.said))


def words_of(text: str) -> tuple[str, ...]:
    """The words of `text`, without case and punctuation."""
    return tuple(_WORD.findall(text.casefold()))


def _carry_on(speech: CallerSpeech, floor: Floor) -> CallerSpeech:
    """The speech goes on beside what we are saying now; words may come without a beginning."""
    return replace(
        speech,
        going_on=True,
        over=_continued(speech.over, floor.saying),
        voice=max(speech.voice, floor.voice),
    )


def _continued(over: str, saying: str) -> str:
    """`over` and what of `saying` is new: our sentences come one after the other."""
    if over.endswith(saying):
        return over
    longest = min(len(over), len(saying))
    known = next(size for size in range(longest, -1, -1) if over.endswith(saying[:size]))
    joint = "" if known or not over else " "
    return (over + joint + saying[known:])[-LONGEST_ECHO:]


def _take_floor(speech: CallerSpeech, floor: Floor, evidence: bool) -> tuple[CallerSpeech, Verdict]:
    if speech.took_floor or not evidence or (floor.playing and floor.protected):
        return speech, Verdict()
    return replace(speech, took_floor=True), Verdict(takes_floor=True)


def _sounds_like(words: Sequence[str], ours: Sequence[str]) -> bool:
    """Whether nearly all of `words` stand in `ours`, in order and close together."""
    matcher = SequenceMatcher(a=words, b=ours, autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    if not blocks:
        return False
    span = blocks[-1].b + blocks[-1].size - blocks[0].b
    matched = sum(block.size for block in blocks)
    return matched >= ECHO_LIKENESS * len(words) and span <= 1.5 * len(words)
