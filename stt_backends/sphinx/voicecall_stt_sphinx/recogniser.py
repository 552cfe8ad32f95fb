"""What was said in one stretch of speech? One decoder, used from worker threads."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pocketsphinx import Decoder  # type: ignore[import-untyped]

from voicecall.sdk import SpeechError
from voicecall_stt_sphinx.config import SphinxConfig
from voicecall_stt_sphinx.dictionary import model_path
from voicecall_stt_sphinx.words import nearest, words_of

FRAMES_PER_SECOND = 100
"""Frames in which the decoder counts."""

_HALF_SURE = -5.3
_SLOPE = 2.0
_SMALLEST = 1e-320


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What was recognised; empty: nothing of what is expected."""

    text: str
    confidence: float | None


class Recogniser:
    """Decodes one stretch of speech after the other.

    With phrases or a grammar the decoder must find one of them in any sound, so that its
    choice says little. The fit says more: how much worse the words explain the sound than the
    best sounds of the model do, in nats a frame, on the average and for the worst word.
    `_HALF_SURE` and `_SLOPE` turn that into a confidence; they were fitted to synthetic voices
    on a telephone line, where nearly all expected speech lies above and other speech below.

    Args:
        decoder: made by `make_decoder`.
        config: what is expected, and below which confidence it is not believed.

    Attributes:
        busy: for the owner to note that a thread is at work.
    """

    def __init__(self, decoder: Decoder, config: SphinxConfig) -> None:
        self._decoder = decoder
        self._phrases = {phrase: words_of(phrase) for phrase in config.phrases}
        self._constrained = bool(config.phrases) or config.grammar is not None
        self._reject_below = config.reject_below
        self.busy = False

    def recognise(self, pcm: bytes, seconds: float) -> Heard:
        """What was said in `pcm`, 16-bit at 16 kHz, of which the caller spoke for `seconds`.

        The decoder gets the whole stretch at once: only then it can even out how loud and how
        dull the line is, without which telephone speech is often not recognised at all.
        """
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        words = self._words()
        if not self._constrained:
            return Heard(text=words, confidence=None)
        if not words:
            return Heard(text="", confidence=0.0)
        confidence = self._fit(seconds)
        if self._phrases:
            words, likeness = nearest(tuple(words.split()), self._phrases)
            confidence *= likeness
        accepted = confidence >= self._reject_below
        return Heard(text=words if accepted else "", confidence=confidence)

    def _words(self) -> str:
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def _fit(self, seconds: float) -> float:
        words: list[tuple[int, float]] = [
            (segment.end_frame - segment.start_frame + 1, math.log(max(segment.ascore, _SMALLEST)))
            for segment in self._decoder.seg()
            if not segment.word.startswith(("<", "["))
        ]
        frames = sum(length for length, _ in words)
        if not frames:
            return 0.0
        average = sum(score for _, score in words) / frames
        worst = min(score / length for length, score in words)
        sure = 1 / (1 + math.exp(_SLOPE * (_HALF_SURE - (average + worst) / 2)))
        # A short phrase must not explain long speech, the rest of which passed as silence.
        covered = frames / max(1.0, seconds * FRAMES_PER_SECOND)
        return sure * min(1.0, covered)


@contextmanager
def dictionary_file(config: SphinxConfig) -> Iterator[Path]:
    """A file with the pronunciations that the decoder needs; a small one loads at once."""
    with tempfile.TemporaryDirectory(prefix="voicecall-sphinx-") as folder:
        path = Path(folder) / "words.dict"
        if config.expected_words():
            path.write_text("", encoding="utf-8")
            added = config.spoken()
        else:
            shutil.copyfile(model_path() / "cmudict-en-us.dict", path)
            added = {word: (phones,) for word, phones in config.pronunciations.items()}
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in _entries(added))
        yield path


def make_decoder(config: SphinxConfig, dictionary: Path) -> Decoder:
    """A decoder for what `config` expects.

    Raises:
        SpeechError: the grammar is not JSGF.
    """
    model = model_path()
    grammar = config.grammar or _grammar_of(config)
    decoder = Decoder(
        hmm=str(model / "en-us"),
        dict=str(dictionary),
        lm=None if grammar else str(model / "en-us.lm.bin"),
        loglevel="FATAL",
        samprate=16000,
        # Without phrases the full search is slower than life on a small machine.
        **({} if grammar else {"fwdflat": False, "bestpath": False, "maxhmmpf": 3000}),
    )
    if grammar:
        _activate(decoder, grammar)
    return decoder


def _activate(decoder: Decoder, grammar: str) -> None:
    try:
        decoder.add_jsgf_string("expected", grammar)
        decoder.activate_search("expected")
    except (RuntimeError, ValueError, KeyError) as error:
        raise SpeechError("the `grammar` of sphinx is not valid JSGF; see its README") from error


def _grammar_of(config: SphinxConfig) -> str | None:
    if not config.phrases:
        return None
    phrases = " | ".join(dict.fromkeys(" ".join(words_of(phrase)) for phrase in config.phrases))
    return f"#JSGF V1.0;\ngrammar phrases;\npublic <phrase> = {phrases};\n"


def _entries(spoken: dict[str, tuple[str, ...]]) -> Iterator[str]:
    for word, ways in spoken.items():
        yield f"{word} {ways[0]}"
        for number, phones in enumerate(ways[1:], start=2):
            yield f"{word}({number}) {phones}"
