"""Is speech cut out of the line's noise where it begins and ends?"""

from __future__ import annotations

import numpy as np
import pytest

from voicecall_stt_sphinx.segments import LONGEST_SECONDS, Began, Segmenter, Stopped


def frames(level: float, seconds: float, seed: int = 0) -> list[bytes]:
    noise = np.random.default_rng(seed).normal(0, level, (round(seconds * 50), 320))
    return [frame.tobytes() for frame in np.clip(noise, -32768, 32767).astype("<i2")]


def steps(audio: list[bytes], silence_seconds: float = 0.4) -> list[tuple[int, Began | Stopped]]:
    segmenter = Segmenter(silence_seconds)
    found = [(number, segmenter.feed(frame)) for number, frame in enumerate(audio)]
    return [(number, step) for number, step in [*found, (-1, segmenter.finish())] if step]


def test_silence_and_steady_noise_are_no_speech() -> None:
    assert steps(frames(0, 2) + frames(60, 3) + frames(150, 5)) == []


def test_speech_begins_within_100_ms_and_ends_after_the_configured_silence() -> None:
    (begun, began), (ended, stopped) = steps(frames(20, 1) + frames(3000, 1) + frames(20, 1))
    assert began == Began()
    assert 50 <= begun < 55
    assert isinstance(stopped, Stopped)
    assert ended == 100 + 20 - 1
    assert stopped.ago == pytest.approx(0.4)
    assert stopped.seconds == pytest.approx(1.0, abs=0.05)


def test_the_audio_holds_the_speech_and_a_little_around_it() -> None:
    loud = frames(3000, 1)
    _, (_, stopped) = steps(frames(20, 1) + loud + frames(20, 1))
    assert isinstance(stopped, Stopped)
    assert b"".join(loud) in stopped.audio
    assert 1.2 < len(stopped.audio) / 32000 < 1.7


def test_a_short_pause_does_not_end_speech() -> None:
    loud = frames(3000, 0.5)
    assert len(steps(loud + frames(20, 0.3) + loud + frames(20, 1))) == 2


def test_a_click_is_no_speech() -> None:
    assert steps(frames(20, 1) + frames(8000, 0.04) + frames(20, 1)) == []


def test_speech_over_a_noisy_line_is_found() -> None:
    found = steps(frames(150, 3) + frames(3000, 1) + frames(150, 2))
    assert [type(step) for _, step in found] == [Began, Stopped]


def test_the_end_of_the_stream_ends_speech() -> None:
    assert [type(step) for _, step in steps(frames(3000, 0.5))] == [Began, Stopped]


def test_speech_without_a_pause_is_cut_at_the_bound() -> None:
    babble = (frames(3000, 0.3) + frames(20, 0.1)) * 100
    stopped = [step for _, step in steps(babble) if isinstance(step, Stopped)]
    assert [round(step.seconds) for step in stopped] == [round(LONGEST_SECONDS), 10]
