"""Are expected phrases recognised over a telephone line, and other speech rejected?"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import numpy as np
import pytest
from numpy.typing import NDArray

from voicecall.sdk import (
    Audio,
    HttpResponse,
    SpeechBegan,
    SpeechError,
    SpeechEvent,
    SpeechFinal,
    SttContext,
    SystemClock,
    Utterance,
)
from voicecall_stt_sphinx.config import SphinxConfig
from voicecall_stt_sphinx.plugin import voicecall_stt_backends
from voicecall_tts_espeak.plugin import EspeakConfig, voicecall_tts_backends

PHRASES = ("Yes, please!", "I would like to book a table.", "My number is 5 5 5.", "Goodbye")
# espeak adds noise of its own, so what it says is never the same twice; these are long enough.
SENTENCES = (
    "I am fine, thank you.",
    "What is the weather like today?",
    "I am glad to hear that. Can I help you with anything?",
)
GRAMMAR = "#JSGF V1.0;\ngrammar g;\npublic <a> = (red | green | blue) (house | garden);\n"


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("sphinx needs no network")


class Transcript:
    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []

    async def write(self, event: SpeechEvent) -> None:
        self.events.append(event)

    @property
    def finals(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, SpeechFinal)]


class Recording:
    def __init__(self) -> None:
        self.data = b""

    async def write(self, audio: Audio) -> None:
        self.data += audio.data


CONTEXT = SttContext(
    http=NoHttp(),
    clock=SystemClock(),
    logger=logging.getLogger("voicecall.test"),
    state_dir=Path("."),
)


def resampled(samples: NDArray[np.float64], before: int, after: int) -> NDArray[np.float64]:
    length = round(len(samples) * after / before)
    spectrum = np.fft.rfft(samples)[: length // 2 + 1]
    padded = np.pad(spectrum, (0, length // 2 + 1 - len(spectrum)))
    return np.fft.irfft(padded, length) * length / len(samples)


def over_the_phone(samples: NDArray[np.float64]) -> bytes:
    """22050 Hz → 8 kHz µ-law (the continuous law, 8 bits) → 16 kHz."""
    narrow = np.clip(resampled(samples, 22050, 8000) / 32768, -1, 1)
    code = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127)
    heard = np.sign(code) * np.expm1(np.abs(code) / 127 * np.log(256)) / 255 * 32768
    wide = np.clip(np.round(resampled(heard, 8000, 16000)), -32768, 32767)
    return bytes(wide.astype("<i2").tobytes())


async def said(text: str) -> bytes:
    (spec,) = voicecall_tts_backends()
    recording = Recording()
    async with spec.open(EspeakConfig(), CONTEXT) as voice:
        await voice.synthesize(Utterance(text=text), recording)
    pause = np.zeros(22050)
    speech = np.frombuffer(recording.data, "<i2").astype(np.float64)
    return over_the_phone(np.concatenate([pause / 2, speech, pause]))


async def frames(pcm: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(pcm), 640):
        yield pcm[start : start + 640]


def heard(*texts: str, config: SphinxConfig) -> Transcript:
    (spec,) = voicecall_stt_backends()

    async def main() -> Transcript:
        transcript = Transcript()
        pcm = b"".join([await said(text) for text in texts])
        async with spec.open(config, CONTEXT) as backend:
            await backend.transcribe(frames(pcm), transcript)
        return transcript

    return anyio.run(main)


def test_expected_phrases_come_back_as_they_are_written() -> None:
    spoken = (PHRASES[1], PHRASES[3], PHRASES[0])
    transcript = heard(*spoken, config=SphinxConfig(phrases=PHRASES))
    assert transcript.finals == list(spoken)
    assert [type(event) for event in transcript.events] == [SpeechBegan, SpeechFinal] * 3


def test_a_final_says_how_sure_it_is_and_how_long_the_caller_has_been_silent() -> None:
    transcript = heard(PHRASES[1], config=SphinxConfig(phrases=PHRASES))
    final = transcript.events[-1]
    assert isinstance(final, SpeechFinal)
    assert final.confidence is not None and 0.5 <= final.confidence <= 1
    assert final.speech_ended_ago == pytest.approx(0.8)


def test_other_speech_is_nothing_recognisable() -> None:
    transcript = heard(
        "Seven hundred elephants went swimming in the lake.", config=SphinxConfig(phrases=PHRASES)
    )
    assert set(transcript.finals) == {""}


def test_without_rejection_other_speech_becomes_the_nearest_phrase() -> None:
    transcript = heard(
        "I would like to book the table", config=SphinxConfig(phrases=PHRASES, reject_below=0)
    )
    assert transcript.finals == [PHRASES[1]]


def test_a_word_with_a_given_pronunciation_is_recognised() -> None:
    phrases = ("Hello, this is voicecall. How are you today?", "Goodbye")
    config = SphinxConfig(phrases=phrases, pronunciations={"voicecall": "V OY S K AO L"})
    assert heard(phrases[0], config=config).finals == [phrases[0]]


def test_a_grammar_gives_the_words_of_its_rule() -> None:
    assert heard("green garden", config=SphinxConfig(grammar=GRAMMAR)).finals == ["green garden"]


def test_a_grammar_that_cannot_be_parsed_is_refused_when_the_backend_is_opened() -> None:
    with pytest.raises(SpeechError, match="JSGF"):
        heard(config=SphinxConfig(grammar=GRAMMAR.replace(")", "")))


def test_several_streams_are_recognised_at_once() -> None:
    (spec,) = voicecall_stt_backends()

    async def main() -> list[list[str]]:
        transcripts = [Transcript() for _ in SENTENCES]
        streams = [frames(await said(sentence)) for sentence in SENTENCES]
        async with (
            spec.open(SphinxConfig(phrases=SENTENCES), CONTEXT) as backend,
            anyio.create_task_group() as group,
        ):
            for stream, transcript in zip(streams, transcripts, strict=True):
                group.start_soon(backend.transcribe, stream, transcript)
        return [transcript.finals for transcript in transcripts]

    assert anyio.run(main) == [[sentence] for sentence in SENTENCES]


def test_a_stream_that_is_cancelled_leaves_the_next_one_whole() -> None:
    (spec,) = voicecall_stt_backends()

    async def main() -> list[str]:
        pcm = await said(PHRASES[1])
        cut, whole = Transcript(), Transcript()
        async with spec.open(SphinxConfig(phrases=PHRASES), CONTEXT) as backend:
            with anyio.CancelScope() as scope:

                async def hung_up() -> AsyncIterator[bytes]:
                    async for frame in frames(pcm[: len(pcm) // 2]):
                        yield frame
                    scope.cancel()
                    await anyio.sleep_forever()

                await backend.transcribe(hung_up(), cut)
            await backend.transcribe(frames(pcm), whole)
        assert cut.events == [SpeechBegan()]
        return whole.finals

    assert anyio.run(main) == [PHRASES[1]]


def test_listening_without_phrases_works_and_is_warned_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    transcript = heard("thank you very much", config=SphinxConfig())
    assert "without `phrases`" in caplog.text
    assert transcript.finals[0]
