"""Is a machine told from a person by how they answer, and a beep from everything else?"""

from __future__ import annotations

import numpy as np
import pytest

from voicecall.media import g711
from voicecall.media.beep import BeepFinder
from voicecall.media.machines import MachineEar
from voicecall.model.carrier_events import MachineResult
from voicecall.model.media import MULAW_8K, PCM16_8K, Audio, AudioFormat

RATE = 8000
HUMAN, MACHINE, BEEP, UNKNOWN = (
    MachineResult.HUMAN,
    MachineResult.MACHINE,
    MachineResult.BEEP,
    MachineResult.UNKNOWN,
)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(int(seconds * RATE))


def tone(hertz: float, seconds: float, level: float = 6000) -> np.ndarray:
    return level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)


def voice(seconds: float, pitch: float = 120, seed: int = 1) -> np.ndarray:
    """Harmonics of a wavering pitch under two formants, in the rhythm of syllables."""
    at = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.08 * np.sin(2 * np.pi * 2.3 * at + seed))) / RATE
    sound = np.zeros(len(at))
    for number in range(1, int(3400 / pitch)):
        near = [np.exp(-(((number * pitch - formant) / 180) ** 2)) for formant in (600, 1200)]
        sound += sum(near) * np.sin(number * phase)
    rhythm = 0.5 + 0.5 * np.sin(2 * np.pi * 4.1 * at + seed)
    return np.asarray(9000 * sound * rhythm / np.abs(sound).max())


def heard(
    *parts: np.ndarray, ours: np.ndarray | None = None, noise: float = 5
) -> list[MachineResult]:
    """What is told of a line on which `parts` follow each other, while we say `ours`."""
    line = np.concatenate(parts)
    line = line + noise * np.random.default_rng(3).standard_normal(len(line))
    said = np.zeros(0) if ours is None else ours
    told: list[MachineResult] = []
    ear = MachineEar(MULAW_8K, told.append)
    for tick in range(len(line) // 160):
        place = slice(tick * 160, (tick + 1) * 160)
        if tick * 160 < len(said):
            ear.us(coded(said[place]), tick * 0.02)
        ear.caller(coded(line[place]), (tick + 1) * 0.02)
    return told


def coded(samples: np.ndarray) -> Audio:
    return Audio(data=g711.mulaw_encode(np.rint(samples).astype(np.int16)), format=MULAW_8K)


PEOPLE = {
    "a short hello": [quiet(0.4), voice(0.5), quiet(4)],
    "a long hello with pauses": [
        *[quiet(0.3), voice(0.6), quiet(0.8), voice(0.9), quiet(0.7)],
        *[voice(1.5), quiet(0.9), voice(0.5), quiet(4)],
    ],
    "a sentence that is read": [quiet(0.5), voice(5.0), quiet(4)],
    "a firm's name and a question": [voice(2.4), quiet(0.4), voice(2.2), quiet(4)],
    "a click, then hello": [tone(900, 0.04), quiet(1.2), voice(0.5), quiet(4)],
    "a high voice": [quiet(0.3), voice(1.5, pitch=310), quiet(4)],
    "somebody who speaks late, and long": [quiet(3), voice(9), quiet(4)],
}


@pytest.mark.parametrize("name", PEOPLE)
def test_people_are_people(name: str) -> None:
    assert heard(*PEOPLE[name]) == [HUMAN]


def test_an_answer_to_our_greeting_may_be_as_long_as_it_likes() -> None:
    assert heard(quiet(1.6), voice(9), quiet(4), ours=voice(1.2, 200)) == [HUMAN]


@pytest.mark.parametrize("decibels", [6, 12, 20])
def test_our_own_echo_is_nobody(decibels: int) -> None:
    ours = voice(9, 200)
    echo = np.concatenate([quiet(0.2), ours]) * 10 ** (-decibels / 20)
    assert MACHINE not in heard(echo, quiet(4), ours=ours)


def test_a_silent_line_and_a_noisy_one_tell_nothing() -> None:
    assert heard(quiet(9)) == [UNKNOWN]
    assert MACHINE not in heard(quiet(20), noise=500)


MACHINES = {
    "a long greeting": ([quiet(0.4), voice(9), quiet(0.5), tone(1000, 0.4)], [MACHINE, BEEP]),
    "over our own message": ([quiet(0.4), voice(9), quiet(0.5), tone(1000, 0.4)], [MACHINE, BEEP]),
    "a short greeting": ([quiet(0.4), voice(3), quiet(0.5), tone(1400, 0.3)], [BEEP]),
    "after a pause": ([quiet(0.4), voice(3), quiet(2.0), tone(850, 0.3)], [HUMAN, BEEP]),
    "only a beep": ([quiet(1.5), tone(2000, 0.25)], [BEEP]),
    "a faint beep": ([quiet(0.4), voice(3), quiet(0.5), tone(950, 0.5, level=700)], [BEEP]),
    "no beep": ([quiet(0.4), voice(9), quiet(2)], [MACHINE, BEEP]),
}


@pytest.mark.parametrize("name", MACHINES)
def test_machines_are_machines(name: str) -> None:
    parts, expected = MACHINES[name]
    ours = voice(4, 200, seed=5) if name == "over our own message" else None
    assert heard(*parts, quiet(1), ours=ours) == expected


def beeps(*parts: np.ndarray, format: AudioFormat = MULAW_8K) -> int:
    finder, line = BeepFinder(format), np.concatenate([*parts, quiet(0.2)])
    samples = np.rint(line).astype(np.int16)
    data = g711.mulaw_encode(samples) if format == MULAW_8K else samples.astype("<i2").tobytes()
    return sum(finder.hear(data[at : at + 370]) for at in range(0, len(data), 370))


@pytest.mark.parametrize("format", [MULAW_8K, PCM16_8K])
@pytest.mark.parametrize("seconds", [0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("hertz", [523, 850, 1000, 1012, 1400, 2090])
def test_a_beep_of_any_pitch_and_length_is_found_once(
    hertz: int, seconds: float, format: AudioFormat
) -> None:
    assert beeps(quiet(0.31), tone(hertz, seconds), format=format) == 1


KEYS = [(697, 1209), (770, 1336), (852, 1477), (941, 1633)]


@pytest.mark.parametrize("pair", KEYS)
def test_a_key_is_no_beep(pair: tuple[int, int]) -> None:
    assert beeps(tone(pair[0], 0.4, 5000) + tone(pair[1], 0.4, 5000)) == 0


def test_neither_voices_nor_noise_nor_a_lines_own_tone_are_beeps() -> None:
    noise = 3000 * np.random.default_rng(1).standard_normal(10 * RATE)
    assert beeps(noise) == 0
    assert beeps(tone(1000, 5.0)) == 0
    assert beeps(tone(1000, 0.06)) == 0
    for pitch in (90, 130, 180, 240, 310, 420):
        for seed in range(3):
            assert beeps(voice(6, pitch, seed)) == 0
