"""What can be said at once? Phrases that were made ahead, kept as the stream's own audio.

Greetings and fixed phrases are made while the phone rings. Nobody depends on that: what is not
ready is made when it is said, and what is being made is said as far as it has come.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio
from anyio.abc import TaskGroup

from voicecall.errors import SpeechError
from voicecall.media.convert import Converter
from voicecall.media.counters import MediaCounters
from voicecall.media.synthesis import Synthesis
from voicecall.model.media import Audio, AudioFormat
from voicecall.model.speech import Utterance
from voicecall.sdk.tts import AudioSink

logger = logging.getLogger(__name__)

LONGEST_TEXT = 1000
"""Characters; a longer text is made when it is said."""
LONGEST_PHRASE_SECONDS = 180.0
"""More audio than that for such a text is nonsense."""
KEPT_SECONDS = 600.0
"""Audio that is kept in all, the least lately used goes: 4.8 MB of telephone audio."""
PIECE_SECONDS = 1.0


class Phrase:
    """One text as audio, complete or still growing; an `AudioSink`.

    Args:
        format: what it is kept in.
    """

    def __init__(self, format: AudioFormat) -> None:
        self.scope = anyio.CancelScope()
        self.wanted = 0
        self.ended = False
        self.failed: SpeechError | None = None
        self.made_by = ""
        self._format = format
        self._audio = bytearray()
        self._converter: Converter | None = None
        self._changed = anyio.Event()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return len(self._audio)

    async def write(self, audio: Audio) -> None:
        """Take audio from the synthesiser.

        Raises:
            SpeechError: there is no end to it.
        """
        if self._converter is None:
            self._converter = Converter(audio.format, self._format)
        self._extend(self._converter.feed(audio.data))
        if self.size > LONGEST_PHRASE_SECONDS * self._format.bytes_per_second:
            raise SpeechError("the TTS backend did not end a short text; check its voice")

    def end(self, failed: SpeechError | None = None) -> None:
        """No more audio comes."""
        if self._converter is not None and failed is None:
            self._extend(self._converter.flush())
        self.failed, self.ended = failed, True
        self._changed.set()

    async def finished(self) -> None:
        """Wait for its end."""
        while not self.ended:
            await self._changed.wait()

    async def copy_to(self, out: AudioSink) -> bool:
        """Say it, also while it grows; False: it failed before there was anything to say.

        Raises:
            SpeechError: it failed after that.
        """
        at, step = 0, int(PIECE_SECONDS * self._format.bytes_per_second)
        while at < self.size or not self.ended:
            if at == self.size:
                await self._changed.wait()
                continue
            piece = bytes(self._audio[at : at + step])
            at += len(piece)
            await out.write(Audio(data=piece, format=self._format))
        if self.failed is not None and at:
            raise self.failed
        return self.failed is None

    def _extend(self, data: bytes) -> None:
        self._audio += data
        self._changed.set()
        self._changed = anyio.Event()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseKey:
    """Which audio: of which voice (a backend with its settings), which text."""

    voice: Synthesis
    utterance: Utterance


class PhraseBook:
    """The phrases of all voices of a gateway.

    Args:
        format: what media streams carry.
        tasks: where phrases are made; it must end before the backends do.
        counters: counts what was said from it.
    """

    def __init__(self, format: AudioFormat, tasks: TaskGroup, counters: MediaCounters) -> None:
        self._format = format
        self._tasks = tasks
        self._counters = counters
        self._phrases: OrderedDict[PhraseKey, Phrase] = OrderedDict()

    def find(self, key: PhraseKey) -> Phrase | None:
        """The phrase, ready or being made."""
        if key in self._phrases:
            self._phrases.move_to_end(key)
        return self._phrases.get(key)

    async def say(self, key: PhraseKey, out: AudioSink) -> bool:
        """Say the phrase; False: there is none, so far.

        Raises:
            SpeechError: it broke off.
        """
        phrase = self.find(key)
        if phrase is None:
            return False
        with self.wanting(key, phrase):
            said = await phrase.copy_to(out)
        self._counters.phrases_prepared += said
        return said

    def begin(self, key: PhraseKey) -> Phrase:
        """Have it made; it is given up when nobody wants it any more."""
        phrase = self._phrases[key] = Phrase(self._format)
        self._tasks.start_soon(self._make, key, phrase)
        return phrase

    @contextmanager
    def wanting(self, key: PhraseKey, phrase: Phrase) -> Iterator[None]:
        """While the block runs, `phrase` is not given up."""
        phrase.wanted += 1
        try:
            yield
        finally:
            phrase.wanted -= 1
            if not phrase.wanted and not phrase.ended:
                phrase.scope.cancel()
                self._forget(key, phrase)

    async def _make(self, key: PhraseKey, phrase: Phrase) -> None:
        failed: SpeechError | None = SpeechError("it was given up")
        try:
            with phrase.scope:
                phrase.made_by = await key.voice.speak(key.utterance, phrase)
                failed = None
        except SpeechError as error:
            failed = error
        finally:
            phrase.end(failed)
            if failed is not None:
                self._forget(key, phrase)
        self._trim()

    def _forget(self, key: PhraseKey, phrase: Phrase) -> None:
        if self._phrases.get(key) is phrase:
            del self._phrases[key]

    def _trim(self) -> None:
        limit = KEPT_SECONDS * self._format.bytes_per_second
        ready = [key for key, phrase in self._phrases.items() if phrase.ended]
        kept = sum(self._phrases[key].size for key in ready)
        for key in ready:
            if kept <= limit:
                return
            kept -= self._phrases.pop(key).size


class PreparedVoice:
    """A voice that has some phrases ready.

    Args:
        synthesis: makes what is not ready.
        book: where phrases are kept.
    """

    def __init__(self, synthesis: Synthesis, book: PhraseBook) -> None:
        self._synthesis = synthesis
        self._book = book

    async def prepare(self, utterance: Utterance) -> None:
        """Make `utterance` ahead; returns when it is ready, or could not be made.

        A phrase that a fallback had to speak is made anew. Cancelled, it is made no further,
        unless somebody else wants it.
        """
        if len(utterance.text) > LONGEST_TEXT:
            return
        key = self._key(utterance)
        phrase = self._book.find(key)
        if phrase is None or (phrase.ended and phrase.made_by != self._synthesis.chosen):
            phrase = self._book.begin(key)
        with self._book.wanting(key, phrase):
            await phrase.finished()
        if phrase.failed is not None:
            logger.info("a phrase was not made ahead", extra={"error": str(phrase.failed)})

    async def synthesize(self, utterance: Utterance, out: AudioSink) -> None:
        """Push the audio of `utterance` into `out`, at once when it is ready.

        Raises:
            SpeechError: it could not be made, or not to its end.
        """
        if not await self._book.say(self._key(utterance), out):
            await self._synthesis.synthesize(utterance, out)

    def _key(self, utterance: Utterance) -> PhraseKey:
        return PhraseKey(voice=self._synthesis, utterance=utterance)
