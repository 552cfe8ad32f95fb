"""What else does a phone's microphone pick up? Its own loudspeaker, later, fainter, and noise."""

from __future__ import annotations

from collections import deque

import numpy as np

from voicecall.sdk import FRAME_SECONDS
from voicecall_mock.config import Room
from voicecall_mock.network.sound import FRAME_BYTES, SILENCE, decode, encode

FULL_SCALE = 32767


class Microphone:
    """Adds a room to what the person says; a dead room passes it on unchanged.

    Args:
        room: its echo and its noise.
    """

    def __init__(self, room: Room) -> None:
        frames = round(room.echo_delay_ms / 1000 / FRAME_SECONDS)
        self._on_the_way = deque([SILENCE] * frames)
        self._echo = None if room.echo_db is None else 10 ** (room.echo_db / 20)
        self._noise = None if room.noise_db is None else FULL_SCALE * 10 ** (room.noise_db / 20)
        self._random = np.random.default_rng(0)

    def pick_up(self, said: bytes, heard: bytes) -> bytes:
        """The frame that leaves the phone while the person says `said` and we play `heard`."""
        if self._echo is None and self._noise is None:
            return said
        samples = decode(said).astype(np.float64)
        if self._echo is not None:
            self._on_the_way.append(heard)
            samples += self._echo * decode(self._on_the_way.popleft())
        if self._noise is not None:
            samples += self._random.normal(0.0, self._noise, FRAME_BYTES)
        return encode(np.clip(np.rint(samples), -FULL_SCALE, FULL_SCALE).astype(np.int16))
