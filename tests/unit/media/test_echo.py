"""Telling our own echo from the caller's voice."""

from __future__ import annotations

import numpy as np
import pytest

from voicecall.media import g711
from voicecall.media.echo import EchoFinder
from voicecall.media.voice import VoiceMeter
from voicecall.model.media import MULAW_8K

RATE = 8000


def speechlike(seed: int, seconds: float = 3.0, level: float = 9000) -> np.ndarray:
    """Noise in the telephone band with the rhythm of syllables."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(int(seconds * RATE))
    colour = np.sinc(np.arange(-20, 21) * 0.3) * np.hanning(41)
    time = np.arange(len(noise)) / RATE
    rhythm = 0.55 + 0.45 * np.sin(2 * np.pi * (3.0 + 0.3 * seed) * time + seed)
    voice = np.convolve(noise, colour, "same") * rhythm
    return level * voice / np.abs(voice).max()


def coded(samples: np.ndarray) -> list[bytes]:
    data = g711.mulaw_encode(np.rint(samples).astype(np.int16))
    return [data[at : at + 160] for at in range(0, len(data), 160)]


def longest_voice(ours: np.ndarray, line: np.ndarray, *, gate: bool = True) -> float:
    """The longest voice measured on `line` while `ours` is played."""
    echo = EchoFinder(MULAW_8K) if gate else None
    meter, longest = VoiceMeter(MULAW_8K, None, echo), 0.0
    for tick, (played, heard) in enumerate(zip(coded(ours), coded(line), strict=True)):
        if echo is not None:
            echo.played(played, tick * 0.02)
        meter.hear(heard, (tick + 1) * 0.02)
        longest = max(longest, meter.seconds)
    return longest


def echo_of(ours: np.ndarray, delay: float, decibels: float) -> np.ndarray:
    late = round(delay * RATE)
    return np.concatenate([np.zeros(late), ours])[: len(ours)] * 10 ** (-decibels / 20)


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.3, 0.4])
@pytest.mark.parametrize("decibels", [6, 15, 25])
def test_an_attenuated_late_copy_of_ours_is_no_voice(delay: float, decibels: float) -> None:
    ours = speechlike(1)
    assert longest_voice(ours, echo_of(ours, delay, decibels)) < 0.2


def test_without_the_gate_the_same_echo_would_be_a_voice() -> None:
    ours = speechlike(1)
    assert longest_voice(ours, echo_of(ours, 0.2, 15), gate=False) > 0.2


def test_a_caller_over_our_speech_is_a_voice() -> None:
    assert longest_voice(speechlike(1), speechlike(2)) > 0.3


def test_a_caller_over_our_speech_and_its_echo_is_a_voice() -> None:
    ours = speechlike(1)
    assert longest_voice(ours, speechlike(2) + echo_of(ours, 0.2, 20)) > 0.3


def test_silence_is_no_voice_and_no_echo() -> None:
    ours = speechlike(1)
    assert longest_voice(ours, np.zeros(len(ours))) == 0


def test_steady_noise_on_the_line_is_no_voice_for_long() -> None:
    noise = np.random.default_rng(3).standard_normal(RATE * 6) * 300
    echo = None
    meter = VoiceMeter(MULAW_8K, None, echo)
    for tick, heard in enumerate(coded(noise)):
        meter.hear(heard, tick * 0.02)
    assert meter.seconds == 0


def test_an_echo_right_after_words_that_are_understood_is_no_voice() -> None:
    ours, caller = speechlike(1, 1.0), speechlike(2, 1.0)
    echo = EchoFinder(MULAW_8K)
    meter = VoiceMeter(MULAW_8K, None, echo)
    heard = coded(caller)
    for tick, frame in enumerate(heard):
        meter.hear(frame, (tick + 1) * 0.02)
    meter.forget(0.0)
    back = coded(echo_of(ours, 0.06, 6))
    for tick, (played, frame) in enumerate(zip(coded(ours), back, strict=True), len(heard)):
        echo.played(played, tick * 0.02)
        meter.hear(frame, (tick + 1) * 0.02)
    assert meter.longest < 0.1
