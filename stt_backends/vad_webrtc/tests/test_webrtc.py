"""Does the detector tell a voice from silence and noise, each stream by itself?"""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from voicecall.sdk import HttpResponse, PluginContext, SystemClock, VadBackend
from voicecall_vad_webrtc.plugin import WebrtcConfig, voicecall_vad_backends


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("voice activity needs no network")


def opened(**options: object) -> VadBackend:
    (spec,) = voicecall_vad_backends()
    context = PluginContext(
        http=NoHttp(),
        clock=SystemClock(),
        logger=logging.getLogger("test"),
        state_dir=Path("."),
    )

    async def main() -> VadBackend:
        async with spec.open(WebrtcConfig.model_validate(options), context) as backend:
            return backend

    return anyio.run(main)


def vowel(seconds: float) -> NDArray[np.float64]:
    """A voice of 120 Hz whose formants and loudness move about, as when somebody babbles."""
    time = np.arange(round(seconds * 8000)) / 8000
    wave = np.zeros(len(time))
    formant = 650 + 150 * np.sin(2 * np.pi * 3 * time)
    for harmonic in range(1, 25):
        distance = (120 * harmonic - formant) / 250
        wave += np.exp(-(distance**2)) * np.sin(2 * np.pi * 120 * harmonic * time)
    return 5000 * wave * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))


def noise(level: float, seconds: float) -> NDArray[np.float64]:
    return np.random.default_rng(1).normal(0, level, round(seconds * 8000))


def share(samples: NDArray[np.float64], backend: VadBackend) -> float:
    pcm = np.clip(samples, -32768, 32767).astype("<i2").tobytes()
    frames = [pcm[start : start + 320] for start in range(0, len(pcm), 320)]
    stream = backend.stream()
    return sum(map(stream.is_speech, frames)) / len(frames)


def test_a_voice_is_speech() -> None:
    assert share(vowel(2), opened()) > 0.8


def test_silence_is_no_speech() -> None:
    assert share(np.zeros(16000), opened()) == 0


def test_line_noise_is_no_speech_when_told_to_be_strict() -> None:
    assert share(noise(100, 4), opened(aggressiveness=3)) < 0.2


def test_a_stricter_detector_hears_less() -> None:
    sound = vowel(2) * 0.02 + noise(60, 2)
    assert share(sound, opened(aggressiveness=3)) <= share(sound, opened(aggressiveness=0))


def test_one_stream_does_not_change_another() -> None:
    backend = opened()
    alone = share(vowel(1), backend)
    share(noise(8000, 3), backend)
    assert share(vowel(1), backend) == alone


@given(st.binary(max_size=700).filter(lambda frame: len(frame) != 320))
def test_a_frame_of_another_length_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match="320 bytes"):
        BACKEND.stream().is_speech(frame)


@given(st.binary(min_size=320, max_size=320))
def test_any_frame_of_the_right_length_is_answered(frame: bytes) -> None:
    assert BACKEND.stream().is_speech(frame) in (True, False)


@pytest.mark.parametrize("aggressiveness", [-1, 4])
def test_an_aggressiveness_out_of_range_is_refused(aggressiveness: int) -> None:
    with pytest.raises(ValidationError, match="aggressiveness"):
        WebrtcConfig(aggressiveness=aggressiveness)


BACKEND = opened()
