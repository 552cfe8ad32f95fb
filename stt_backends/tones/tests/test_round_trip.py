"""Does the text come back exactly, whatever the line does to the sound?"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from voicecall.sdk import (
    HttpResponse,
    SpeechBegan,
    SpeechEvent,
    SpeechFinal,
    SpeechPartial,
    SttContext,
    SystemClock,
)
from voicecall_stt_tones import codebook as ours
from voicecall_stt_tones.plugin import TonesConfig, voicecall_stt_backends
from voicecall_tts_tones import codebook as theirs
from voicecall_tts_tones.wave import units

FRAME_BYTES = 320
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
REPEATS = st.integers(1, 4)


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("tones need no network")


class Transcript:
    def __init__(self) -> None:
        self.events: list[SpeechEvent] = []

    async def write(self, event: SpeechEvent) -> None:
        self.events.append(event)


def say(text: str, repeat: int = 1) -> bytes:
    return b"".join(units(text, repeat))


def silence(seconds: float) -> bytes:
    return bytes(round(seconds * 8000) * 2)


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def pcm(values: NDArray[np.float64]) -> bytes:
    return bytes(np.clip(np.round(values), -32768, 32767).astype("<i2").tobytes())


def through_mulaw(sound: bytes) -> bytes:
    """What is left after µ-law at 8 bits (the continuous law of G.711, quantised)."""
    values = samples(sound) / 32768
    code = np.round(np.sign(values) * np.log1p(255 * np.abs(values)) / np.log(256) * 127)
    return pcm(np.sign(code) * np.expm1(np.abs(code) / 127 * np.log(256)) / 255 * 32768)


def listen(sound: bytes, silence_seconds: float = 0.8) -> list[SpeechEvent]:
    (spec,) = voicecall_stt_backends()
    context = SttContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
        silence_seconds=silence_seconds,
    )

    async def frames() -> AsyncIterator[bytes]:
        for start in range(0, len(sound), FRAME_BYTES):
            yield sound[start : start + FRAME_BYTES]

    async def main() -> list[SpeechEvent]:
        transcript = Transcript()
        async with spec.open(TonesConfig(), context) as backend:
            await backend.transcribe(frames(), transcript)
        return transcript.events

    return anyio.run(main)


def finals(events: list[SpeechEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, SpeechFinal)]


def test_both_packages_have_the_same_code_book() -> None:
    assert inspect.getsource(ours) == inspect.getsource(theirs)


@settings(deadline=None, max_examples=60)
@given(text=TEXTS, repeat=REPEATS, offset=st.integers(0, 400))
def test_any_text_comes_back_through_mulaw_from_any_offset(
    text: str, repeat: int, offset: int
) -> None:
    sound = through_mulaw(silence(offset / 8000) + say(text, repeat) + silence(0.1))
    assert finals(listen(sound)) == [text]


@settings(deadline=None, max_examples=40)
@given(text=TEXTS, repeat=REPEATS, data=st.data())
def test_a_cut_utterance_gives_the_part_that_was_played(
    text: str, repeat: int, data: st.DataObject
) -> None:
    sound = say(text, repeat)
    frames = data.draw(st.integers(1, len(sound) // FRAME_BYTES - 1))
    cut = through_mulaw(sound[: frames * FRAME_BYTES] + silence(1.0))
    whole = text.encode()
    played = max(0, frames - 2) // repeat
    assert finals(listen(cut)) == [whole[:played].decode(errors="ignore")]


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(TEXTS, min_size=2, max_size=4), gap=st.integers(0, 500))
def test_utterances_follow_each_other_at_any_distance(texts: list[str], gap: int) -> None:
    sound = silence(gap / 8000).join(say(text) for text in texts)
    assert finals(listen(through_mulaw(sound))) == texts


@settings(deadline=None, max_examples=40)
@given(text=TEXTS, gap=st.integers(0, 500), kept=st.integers(2, 20))
def test_an_utterance_right_after_a_cut_one_is_heard_in_full(
    text: str, gap: int, kept: int
) -> None:
    cut = say("something long that is cut short here")[: kept * FRAME_BYTES]
    assert finals(listen(through_mulaw(cut + silence(gap / 8000) + say(text))))[-1] == text


@settings(deadline=None, max_examples=25)
@given(text=TEXTS, level=st.floats(0.1, 1.9), noise=st.floats(0, 0.004), seed=st.integers(0, 99))
def test_text_survives_attenuation_and_line_noise(
    text: str, level: float, noise: float, seed: int
) -> None:
    values = samples(silence(0.05) + say(text) + silence(0.1)) * level
    values += np.random.default_rng(seed).normal(0, noise * 32768, len(values))
    assert finals(listen(through_mulaw(pcm(values)))) == [text]


def test_text_survives_a_detour_over_16_khz() -> None:
    values = samples(silence(0.03) + say("Grüße, 你好!") + silence(0.1))
    spectrum = np.fft.rfft(values)
    wide = np.fft.irfft(np.pad(spectrum, (0, len(spectrum) - 1)), 2 * len(values)) * 2
    shifted = wide[1::2]
    assert finals(listen(through_mulaw(pcm(shifted)))) == ["Grüße, 你好!"]


def test_speech_is_reported_within_60_ms_of_its_start() -> None:
    for offset in range(0, 160, 7):
        sound = silence(offset / 8000) + say("hello")
        heard = sound[: 2 * (offset + 480)]
        assert isinstance(listen(heard)[0], SpeechBegan)


def test_partials_grow_by_words_before_the_final() -> None:
    events = listen(say("one two three"))
    assert events == [
        SpeechBegan(),
        SpeechPartial(text="one "),
        SpeechPartial(text="one two "),
        SpeechFinal(text="one two three", confidence=1.0, speech_ended_ago=0.0),
    ]


def test_silence_ends_a_cut_utterance_after_the_configured_time() -> None:
    cut = say("hello")[: 5 * FRAME_BYTES]
    events = listen(cut + silence(0.3) + silence(2), silence_seconds=0.3)
    (final,) = (event for event in events if isinstance(event, SpeechFinal))
    assert final.text == "hel"
    assert abs(final.speech_ended_ago - 0.3) < 0.021


def test_a_pause_within_an_utterance_does_not_end_it() -> None:
    sound = say("hello")
    middle = 4 * FRAME_BYTES
    events = listen(sound[:middle] + silence(0.4) + sound[middle:])
    assert finals(events) == ["hello"]


def test_a_lost_frame_loses_exactly_one_character() -> None:
    sound = say("hello")
    assert finals(listen(sound[: 3 * FRAME_BYTES] + sound[4 * FRAME_BYTES :])) == ["hllo"]


def test_a_damaged_character_is_visible() -> None:
    noise = pcm(np.random.default_rng(1).normal(0, 8000, 160))
    sound = say("hello")
    broken = sound[: 3 * FRAME_BYTES] + noise + sound[4 * FRAME_BYTES :]
    assert finals(listen(broken)) == ["h\ufffdllo"]


def test_noise_beeps_and_key_tones_are_silence() -> None:
    time = np.arange(16000) / 8000
    beep = 12000 * np.sin(2 * np.pi * 1000 * time)
    key = 8000 * (np.sin(2 * np.pi * 770 * time) + np.sin(2 * np.pi * 1336 * time))
    noise = np.random.default_rng(2).normal(0, 6000, 16000)
    assert listen(pcm(np.concatenate([beep, key, noise]))) == []


def test_an_utterance_right_after_noise_is_heard() -> None:
    noise = pcm(np.random.default_rng(3).normal(0, 6000, 1234))
    assert finals(listen(through_mulaw(noise + say("hello")))) == ["hello"]
