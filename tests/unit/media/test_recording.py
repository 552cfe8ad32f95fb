"""Recordings."""

from __future__ import annotations

import stat
import wave
from pathlib import Path

import anyio
import numpy as np
import pytest

from voicecall.media.g711 import mulaw_encode
from voicecall.media.recording import StereoRecorder, recording
from voicecall.model.media import MULAW_8K, PCM16_8K, Audio
from voicecall.sdk.clock import SystemClock


def linear(value: int, seconds: float) -> Audio:
    samples = np.full(round(seconds * 8000), value, "<i2")
    return Audio(data=samples.tobytes(), format=PCM16_8K)


def sides(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    stereo = np.frombuffer(data, "<i2").reshape(-1, 2)
    return stereo[:, 0], stereo[:, 1]


def test_both_sides_lie_where_they_were_heard() -> None:
    recorder = StereoRecorder(10.0)
    recorder.caller(linear(100, 0.5), 11.5)
    recorder.us(linear(200, 0.5), 12.0)
    left, right = sides(recorder.take(None))
    assert (left[8000:12000] == 100).all() and not left[:8000].any() and not left[12000:].any()
    assert (right[16000:20000] == 200).all() and not right[:16000].any()


def test_frames_that_arrive_unevenly_leave_no_holes() -> None:
    recorder = StereoRecorder(0.0)
    for tick in range(100):
        late = 0.07 if tick % 7 == 3 else 0.0
        recorder.caller(linear(50, 0.02), (tick + 1) * 0.02 + late)
    left, _ = sides(recorder.take(None))
    assert (left == 50).all() and len(left) == 16000


def test_what_was_cleared_is_not_in_the_recording() -> None:
    recorder = StereoRecorder(0.0)
    recorder.us(linear(200, 1.0), 0.0)
    recorder.cleared(0.4)
    recorder.us(linear(300, 0.1), 0.5)
    _, right = sides(recorder.take(None))
    assert (right[:3200] == 200).all()
    assert not right[3200:4000].any()
    assert (right[4000:4800] == 300).all()


def test_taking_in_parts_gives_the_whole() -> None:
    whole, parts = StereoRecorder(0.0), StereoRecorder(0.0)
    taken = b""
    for tick in range(50):
        for recorder in (whole, parts):
            recorder.caller(linear(tick, 0.02), (tick + 1) * 0.02)
            recorder.us(linear(-tick, 0.02), tick * 0.02)
        if tick % 10 == 9:
            taken += parts.take((tick - 3) * 0.02)
    assert taken + parts.take(None) == whole.take(None)


def test_the_file_is_a_wave_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"

    async def main() -> None:
        clock = SystemClock()
        async with recording(path, clock) as tap:
            began = clock.now()
            coded = mulaw_encode(np.full(4000, 1000, np.int16))
            tap.caller(Audio(data=coded, format=MULAW_8K), began + 0.5)

    anyio.run(main)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        left, _ = sides(file.readframes(file.getnframes()))
    assert abs(int(left[2000]) - 1000) < 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"mine")

    async def main() -> None:
        async with recording(path, SystemClock()):
            pass

    with pytest.raises(FileExistsError):
        anyio.run(main)
    assert path.read_bytes() == b"mine"
