"""Does espeak-ng speak: audibly, in its voice, for several calls at once, and stop when told?"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import (
    Audio,
    AudioFormat,
    Encoding,
    HttpResponse,
    PluginContext,
    SpeechError,
    SystemClock,
    TtsBackend,
    Utterance,
)
from voicecall_tts_espeak.engine import Voice, engine
from voicecall_tts_espeak.plugin import EspeakConfig, voicecall_tts_backends
from voicecall_tts_espeak.text import LONGEST, portions

PCM16_22K = AudioFormat(encoding=Encoding.PCM16, rate=22050)
# espeak-ng mixes in noise that goes on from one text to the next, so that two
# renderings of one text are equally long only to some samples.
SAME = 0.02
GREETING = "Hello, this is voicecall. How are you today?"


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("espeak needs no network")


class Recording:
    def __init__(self) -> None:
        self.pieces: list[Audio] = []
        self.begun = anyio.Event()

    async def write(self, audio: Audio) -> None:
        self.pieces.append(audio)
        self.begun.set()

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)

    @property
    def seconds(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


def using(work: Callable[[TtsBackend], Awaitable[Recording]], **options: object) -> Recording:
    (spec,) = voicecall_tts_backends()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )

    async def main() -> Recording:
        async with spec.open(EspeakConfig.model_validate(options), context) as backend:
            return await work(backend)

    return anyio.run(main)


def speak(text: str, language: str | None = None, **options: object) -> Recording:
    async def work(backend: TtsBackend) -> Recording:
        recording = Recording()
        await backend.synthesize(Utterance(text=text, language=language), recording)
        return recording

    return using(work, **options)


def peak(recording: Recording) -> int:
    return int(np.max(np.abs(np.frombuffer(recording.data, "<i2").astype(int))))


def test_a_greeting_is_audible_and_as_long_as_a_person_would_take() -> None:
    recording = speak(GREETING)
    assert 2 < recording.seconds < 5
    assert 5000 < peak(recording) <= 32767
    assert {piece.format for piece in recording.pieces} == {PCM16_22K}


def test_a_higher_speed_takes_less_time() -> None:
    assert speak(GREETING, speed=300).seconds < 0.7 * speak(GREETING, speed=150).seconds


def test_a_lower_volume_is_quieter() -> None:
    assert peak(speak(GREETING, volume=20)) < 0.5 * peak(speak(GREETING))


def test_a_language_changes_the_sound_and_does_not_stick() -> None:
    before = speak(GREETING).seconds
    assert speak(GREETING, language="de-DE").seconds != pytest.approx(before, abs=SAME)
    assert speak(GREETING).seconds == pytest.approx(before, abs=SAME)


@pytest.mark.parametrize("text", ["", " \n", "...", "\x00\x07\ud800"])
def test_what_cannot_be_pronounced_makes_no_sound(text: str) -> None:
    assert speak(text).pieces == []


def test_markup_is_read_out_like_any_other_text() -> None:
    assert speak("<break time='1s'/>").seconds > 1.5
    assert speak("[[h@l'oU]]").seconds > 1.2 * speak("hello").seconds


def test_control_characters_are_dropped() -> None:
    plain = speak("Hello there").seconds
    assert speak("Hello\x00\x1b there").seconds == pytest.approx(plain, abs=SAME)


def test_several_calls_speak_at_once_and_each_gets_its_own_words() -> None:
    texts = ["One apple.", "Two oranges, please.", "Three bananas for the gentleman over there."]
    alone = [speak(text).seconds for text in texts]

    async def work(backend: TtsBackend) -> Recording:
        recordings = [Recording() for _ in texts]
        async with anyio.create_task_group() as group:
            for text, recording in zip(texts, recordings, strict=True):
                group.start_soon(backend.synthesize, Utterance(text=text), recording)
        assert [recording.seconds for recording in recordings] == pytest.approx(alone, abs=SAME)
        return recordings[0]

    using(work)


def test_a_cancelled_utterance_stops_and_the_next_one_is_whole() -> None:
    whole = speak(GREETING).seconds

    async def work(backend: TtsBackend) -> Recording:
        cut, next_one = Recording(), Recording()
        async with anyio.create_task_group() as group:
            group.start_soon(backend.synthesize, Utterance(text=f"{GREETING} " * 500), cut)
            await cut.begun.wait()
            group.cancel_scope.cancel()
        assert cut.seconds < 1000
        await backend.synthesize(Utterance(text=GREETING), next_one)
        return next_one

    assert using(work).seconds == pytest.approx(whole, abs=SAME)


def test_the_engine_stops_when_nobody_takes_its_sound() -> None:
    taken: list[bytes] = []

    def take(piece: bytes) -> bool:
        taken.append(piece)
        return len(taken) < 3

    voice = Voice(names=("en-us+f3",), speed=150, pitch=50, volume=100)
    engine().speak(f"{GREETING} " * 20, voice, take)
    assert len(taken) == 3


@pytest.mark.parametrize("voice", ["xx", "en-us+nobody"])
def test_a_voice_that_does_not_exist_is_named_when_the_backend_is_opened(voice: str) -> None:
    with pytest.raises(SpeechError, match=voice.replace("+", r"\+")):
        speak(GREETING, voice=voice)


@pytest.mark.parametrize(
    "options", [{"voice": "../x"}, {"speed": 10}, {"pitch": 101}, {"volume": -1}, {"rate": 1}]
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EspeakConfig.model_validate(options)


@given(st.text(max_size=600))
def test_portions_are_short_and_lose_no_letter(text: str) -> None:
    found = list(portions(text))
    assert all(len(portion) <= LONGEST for portion in found)
    letters = [char for char in text if char.isalpha()]
    assert [char for char in "".join(found) if char.isalpha()] == letters


def test_an_abbreviation_keeps_its_name() -> None:
    assert list(
        portions("Mr. Smith is here. He would like to know when you will be back. Bye!")
    ) == [
        "Mr. Smith is here. He would like to know when you will be back.",
        "Bye!",
    ]
