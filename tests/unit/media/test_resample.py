"""The resampler: its quality as documented, and independence of how the input is cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecall.media.resample import HOLD_BACK_SECONDS, TRANSITION_HZ, Resampler

RATES = (8000, 16000, 22050, 24000, 44100, 48000)
PAIRS = [(a, b) for a in RATES for b in (8000, 16000) if a != b] + [(8000, 24000), (8000, 48000)]
pairs = st.sampled_from(PAIRS)


def whole(samples: np.ndarray, source: int, target: int) -> np.ndarray:
    resampler = Resampler(source, target)
    return np.concatenate([resampler.feed(samples), resampler.flush()])


def tone(frequency: float, rate: int, seconds: float = 0.4, level: float = 16000) -> np.ndarray:
    return level * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


def decibels(signal: np.ndarray, noise: np.ndarray) -> float:
    return 10 * math.log10(np.mean(signal**2) / max(np.mean(noise**2), 1e-12))


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_acceptance_26_what_lies_in_the_band_keeps_72_decibels(source: int, target: int) -> None:
    highest = min(source, target) / 2 - TRANSITION_HZ
    for frequency in (0.05 * highest, 0.3 * highest, 0.7 * highest, highest):
        made = whole(np.rint(tone(frequency, source)).astype(np.int16), source, target)
        want = tone(frequency, target)[: len(made)]
        middle = slice(target // 50, len(want) - target // 50)
        assert decibels(want[middle], made[middle] - want[middle]) > 72


@pytest.mark.parametrize(("source", "target"), [p for p in PAIRS if p[0] > p[1]])
def test_what_lies_above_the_band_does_not_come_back_as_an_alias(source: int, target: int) -> None:
    for frequency in (target / 2, target / 2 + 150, 0.5 * (target + source) / 2):
        made = whole(np.rint(tone(frequency, source)).astype(np.int16), source, target)
        middle = made[target // 50 : -target // 50].astype(float)
        assert decibels(tone(1000, target), middle) > 70


@given(pair=pairs, cuts=st.lists(st.integers(0, 900), min_size=1, max_size=12), seed=st.integers())
@settings(max_examples=150, deadline=None)
def test_the_same_samples_come_out_however_the_input_was_cut(pair, cuts, seed) -> None:
    rng = np.random.default_rng(abs(seed))
    samples = rng.integers(-32768, 32768, sum(cuts)).astype(np.int16)
    resampler, pieces, at = Resampler(*pair), [], 0
    for cut in cuts:
        pieces.append(resampler.feed(samples[at : at + cut]))
        at += cut
    pieces.append(resampler.flush())
    assert np.array_equal(np.concatenate(pieces), whole(samples, *pair))


@given(pair=pairs, count=st.integers(0, 3000))
@settings(max_examples=150, deadline=None)
def test_every_sample_arrives(pair, count) -> None:
    source, target = pair
    made = whole(np.zeros(count, np.int16), source, target)
    assert len(made) == math.ceil(count * target / source)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_it_holds_back_at_most_five_milliseconds(source: int, target: int) -> None:
    assert HOLD_BACK_SECONDS <= 0.005
    count = source // 10
    made = Resampler(source, target).feed(np.zeros(count, np.int16))
    assert count / source - len(made) / target <= 0.005


def test_full_scale_is_clipped_and_does_not_wrap_around() -> None:
    square = np.where(np.arange(4800) % 96 < 48, 32767, -32768).astype(np.int16)
    made = whole(square, 48000, 8000).astype(int)
    middles = made.reshape(-1, 16)[5:-5, 4]
    assert (middles > 25000).all()


def test_a_flushed_resampler_begins_anew() -> None:
    samples = np.rint(tone(700, 22050)).astype(np.int16)
    resampler = Resampler(22050, 8000)
    first = np.concatenate([resampler.feed(samples), resampler.flush()])
    second = np.concatenate([resampler.feed(samples), resampler.flush()])
    assert np.array_equal(first, second)
