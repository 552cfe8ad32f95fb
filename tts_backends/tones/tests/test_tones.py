"""Is the sound what the code book says, the same every time?"""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import PCM16_8K, Audio, HttpResponse, PluginContext, SystemClock, Utterance
from voicecall_tts_tones.codebook import END, START, chord, frequency
from voicecall_tts_tones.plugin import TonesConfig, voicecall_tts_backends
from voicecall_tts_tones.wave import unit


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("tones need no network")


class Recording:
    def __init__(self) -> None:
        self.pieces: list[Audio] = []

    async def write(self, audio: Audio) -> None:
        self.pieces.append(audio)

    @property
    def data(self) -> bytes:
        return b"".join(piece.data for piece in self.pieces)


def speak(text: str, **options: object) -> Recording:
    (spec,) = voicecall_tts_backends()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )

    async def main() -> Recording:
        recording = Recording()
        async with spec.open(TonesConfig.model_validate(options), context) as backend:
            await backend.synthesize(Utterance(text=text), recording)
        return recording

    return anyio.run(main)


@given(st.integers(0, 257))
def test_a_unit_sounds_the_two_tones_of_its_mark(mark: int) -> None:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(unit(mark), "<i2")))
    loudest = sorted(int(index) * 50 for index in np.argsort(spectrum)[-2:])
    assert loudest == [frequency(tone) for tone in chord(mark)]


def test_no_two_marks_sound_alike() -> None:
    assert len({chord(mark) for mark in range(258)}) == 258


def test_one_byte_lasts_one_frame_unless_told_otherwise() -> None:
    assert len(speak("hello").data) == (1 + 1 + 5 + 1) * PCM16_8K.frame_bytes
    assert len(speak("hello", symbolMs=60).data) == (1 + 1 + 15 + 1) * PCM16_8K.frame_bytes


def test_the_sound_comes_in_whole_frames_of_one_format() -> None:
    pieces = speak("Grüße aus Köln, und noch viel mehr").pieces
    assert len(pieces) > 1
    assert {piece.format for piece in pieces} == {PCM16_8K}
    assert all(len(piece.data) % PCM16_8K.frame_bytes == 0 for piece in pieces)


def test_the_same_text_gives_the_same_samples() -> None:
    assert speak("again").data == speak("again").data


def test_empty_text_makes_no_sound() -> None:
    assert speak("").pieces == []


def test_the_sound_is_loud_and_does_not_clip() -> None:
    peak = np.max(np.abs(np.frombuffer(speak("hello").data, "<i2").astype(int)))
    assert 8000 < peak < 16000


def test_start_and_end_are_no_bytes() -> None:
    assert {chord(START), chord(END)}.isdisjoint(chord(byte) for byte in range(256))


@pytest.mark.parametrize("symbol_ms", [0, 10, 30, 220])
def test_a_duration_that_is_no_multiple_of_a_frame_is_refused(symbol_ms: int) -> None:
    with pytest.raises(ValidationError, match="symbolMs"):
        TonesConfig.model_validate({"symbolMs": symbol_ms})
