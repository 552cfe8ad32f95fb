"""Does the detector tell a voice from everything else, and better than WebRTC's?"""

from __future__ import annotations

import functools
import logging
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import ValidationError

from voicecall.sdk import (
    PCM16_8K,
    HttpResponse,
    PluginContext,
    SystemClock,
    VadBackend,
    VadStream,
)
from voicecall_conformance.speech.sounds import SOUNDS, line_noise, spoken
from voicecall_vad_silero import plugin as silero
from voicecall_vad_silero.config import SileroConfig
from voicecall_vad_silero.doubling import Doubler
from voicecall_vad_webrtc import plugin as webrtc

SENTENCE = "Could you move my appointment, please?"
SPEECH_RMS = 300.0
"""What is louder than this in a clip without noise is the voice."""
SOON = 6
"""Frames within which a voice is heard: 120 ms."""
LATE = 20
"""Frames after its end in which it still may be: 400 ms."""

Floats = NDArray[np.float64]


class NoHttp:
    async def request(self, *args: object, **kwargs: object) -> HttpResponse:
        raise AssertionError("voice activity needs no network")


CONTEXT = PluginContext(
    http=NoHttp(),
    clock=SystemClock(),
    logger=logging.getLogger("voicecall.test"),
    state_dir=Path("."),
)


def opened(name: str = "silero", **options: object) -> VadBackend:
    (spec,) = (silero if name == "silero" else webrtc).voicecall_vad_backends()

    async def main() -> VadBackend:
        async with spec.open(spec.config.model_validate(options), CONTEXT) as backend:
            return backend

    return anyio.run(main)


@functools.cache
def sentence() -> Floats:
    """A synthetic voice over a telephone line, with half a second of silence around it."""

    async def main() -> bytes:
        return await spoken(SENTENCE, PCM16_8K, voice="espeak")

    pause = np.zeros(4000)
    return np.concatenate([pause, samples(anyio.run(main)), pause])


def samples(pcm: bytes) -> Floats:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def frames(sound: Floats) -> list[bytes]:
    pcm = np.clip(sound, -32768, 32767).astype("<i2").tobytes()
    return [pcm[start : start + 320] for start in range(0, len(pcm) - 319, 320)]


def heard(sound: Floats, stream: VadStream) -> list[bool]:
    return [stream.is_speech(frame) for frame in frames(sound)]


def voiced(speech: Floats) -> tuple[int, int]:
    """The first and the last frame with a voice."""
    loud = [
        number
        for number, frame in enumerate(frames(speech))
        if np.sqrt(np.mean(samples(frame) ** 2)) > SPEECH_RMS
    ]
    return loud[0], loud[-1]


def ends(found: list[bool]) -> tuple[int, int]:
    return found.index(True), len(found) - 1 - found[::-1].index(True)


@pytest.mark.parametrize("detector", ["silero", "webrtc"])
@pytest.mark.parametrize("loudness", [1.0, 0.15])
def test_a_voice_is_heard_soon_and_until_its_end(detector: str, loudness: float) -> None:
    speech = sentence()
    first, last = voiced(speech)
    found = heard(speech * loudness, opened(detector).stream())
    begin, end = ends(found)
    assert first - 3 <= begin <= first + SOON
    assert last - LATE <= end <= last + LATE
    assert sum(found[begin : end + 1]) > 0.75 * (end - begin)


def test_a_voice_over_a_noisy_line_is_heard_and_the_noise_is_not() -> None:
    speech = sentence()
    first, last = voiced(speech)
    noise = np.random.default_rng(1).normal(0, speech.std() / 3, len(speech))
    begin, end = ends(heard(speech + noise, opened().stream()))
    assert first - 3 <= begin <= first + SOON and end <= last + LATE


def test_a_stream_of_mere_noise_holds_no_speech_at_all() -> None:
    stream = opened().stream()
    for sound in (line_noise(), *(make() for make in SOUNDS.values())):
        assert not any(heard(samples(sound), stream))


@pytest.mark.parametrize("sound", ["loud hiss", "traffic", "hum", "music"])
def test_it_is_not_taken_in_by_what_webrtc_takes_for_a_voice(sound: str) -> None:
    taken_in = heard(samples(SOUNDS[sound]()), opened("webrtc", aggressiveness=3).stream())
    assert sum(taken_in) / len(taken_in) > 0.5
    assert not any(heard(samples(SOUNDS[sound]()), opened().stream()))


def test_one_stream_does_not_change_another_and_the_same_is_found_again() -> None:
    speech = sentence()
    backend = opened()
    alone = heard(speech, backend.stream())
    one, other = backend.stream(), backend.stream()
    pairs = [
        (one.is_speech(frame), other.is_speech(noise))
        for frame, noise in zip(
            frames(speech), 4 * frames(samples(SOUNDS["loud hiss"]())), strict=False
        )
    ]
    assert [found for found, _ in pairs] == alone[: len(pairs)]
    assert heard(speech, backend.stream()) == alone


def test_speech_lasts_on_for_the_hangover() -> None:
    speech = sentence()
    _, short = ends(heard(speech, opened(hangoverMs=0).stream()))
    _, longer = ends(heard(speech, opened(hangoverMs=200).stream()))
    assert longer - short == 10


def test_the_threshold_counts_and_hysteresis_holds_on() -> None:
    speech = sentence()

    def share(**options: float) -> int:
        return sum(heard(speech * 0.02, opened(hangoverMs=0, **options).stream()))

    assert share(threshold=0.95, hysteresis=0) < share(threshold=0.3, hysteresis=0)
    assert share(threshold=0.9, hysteresis=0) <= share(threshold=0.9, hysteresis=0.6)


@functools.cache
def stream() -> VadStream:
    return opened().stream()


@given(st.binary(max_size=700).filter(lambda frame: len(frame) != 320))
def test_a_frame_of_another_length_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match="320 bytes"):
        stream().is_speech(frame)


@settings(max_examples=30)
@given(st.binary(min_size=320, max_size=320))
def test_any_frame_of_the_right_length_is_answered(frame: bytes) -> None:
    assert stream().is_speech(frame) in (True, False)


@pytest.mark.parametrize(
    ("option", "value"),
    [("threshold", 0), ("threshold", 1), ("hysteresis", -0.1), ("hangoverMs", -1)],
)
def test_a_setting_out_of_range_is_refused(option: str, value: float) -> None:
    with pytest.raises(ValidationError, match=option):
        SileroConfig.model_validate({option: value})


@pytest.mark.parametrize("hertz", [300, 1000, 2500, 3400])
def test_doubling_keeps_the_band_of_the_telephone_and_adds_no_image(hertz: int) -> None:
    doubler, time = Doubler(), np.arange(8000) / 8000
    sine = np.sin(2 * np.pi * hertz * time)
    doubled = np.concatenate([doubler.feed(part) for part in np.split(sine, 50)])
    spectrum = np.abs(np.fft.rfft(doubled[8000:] * np.hanning(8000)))
    at, image = hertz // 2, 4000 - hertz // 2
    assert spectrum[at] / spectrum.max() == pytest.approx(1)
    assert spectrum[at] == pytest.approx(8000 / 4, rel=0.05)
    assert spectrum[image] < spectrum[at] / 15


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_doubling_does_not_depend_on_how_it_is_cut(sizes: list[int]) -> None:
    sound = np.random.default_rng(1).normal(size=sum(sizes))
    doubler = Doubler()
    parts = [doubler.feed(part) for part in np.split(sound, np.cumsum(sizes)[:-1])]
    assert np.allclose(np.concatenate(parts), Doubler().feed(sound))
