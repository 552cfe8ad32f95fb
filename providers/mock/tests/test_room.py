"""What a microphone adds to what is said."""

from __future__ import annotations

import numpy as np

from voicecall_mock.config import Room
from voicecall_mock.network.room import Microphone
from voicecall_mock.network.sound import SILENCE, decode, tone

FRAMES = [tone(500, 0.2)[at : at + 160] for at in range(0, 1600, 160)]


def loudness(frame: bytes) -> float:
    return float(np.sqrt(np.mean(decode(frame).astype(np.float64) ** 2)))


def test_a_dead_room_adds_nothing() -> None:
    microphone = Microphone(Room())
    assert [microphone.pick_up(frame, FRAMES[0]) for frame in FRAMES] == FRAMES


def test_what_the_phone_plays_comes_back_later_and_fainter() -> None:
    microphone = Microphone(Room(echo_db=-20, echo_delay_ms=100))
    back = [microphone.pick_up(SILENCE, frame) for frame in FRAMES]
    assert all(loudness(frame) == 0 for frame in back[:5])
    assert all(
        abs(loudness(late) / loudness(frame) - 0.1) < 0.02
        for late, frame in zip(back[5:], FRAMES, strict=False)
    )


def test_noise_is_as_loud_as_it_is_set() -> None:
    microphone = Microphone(Room(noise_db=-40))
    noise = [loudness(microphone.pick_up(SILENCE, SILENCE)) for _ in range(50)]
    assert abs(np.mean(noise) - 327.67) < 20
