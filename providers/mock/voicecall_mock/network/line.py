"""What is on the wire in this moment? Both directions of an answered call, frame by frame."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from voicecall.sdk import FRAME_SECONDS, Clock
from voicecall_mock.config import Room
from voicecall_mock.network.playout import Playout
from voicecall_mock.network.room import Microphone

DEAD = Room()
_FRAMES_WITHOUT_REST = 50


class PhoneLine:
    """The two directions between the network and a phone, on an absolute clock.

    `to_phone` is what the phone hears, `from_phone` what it says. `on_heard` and `on_said` get
    every frame, silence included, so that all who listen share one time line. `heard` and
    `said` keep the whole of it when `keep` is set. `room` is where the phone stands.
    """

    def __init__(self, clock: Clock, *, keep: bool, room: Room = DEAD) -> None:
        self.to_phone = Playout()
        self.from_phone = Playout()
        self.heard = bytearray()
        self.said = bytearray()
        self.on_heard: Callable[[bytes], None] | None = None
        self.on_said: Callable[[bytes], None] | None = None
        self._clock = clock
        self._keep = keep
        self._microphone = Microphone(room)
        self._frames = 0

    @property
    def seconds(self) -> float:
        """How long the line has been up."""
        return self._frames * FRAME_SECONDS

    async def run(self) -> None:
        """Carry frames until cancelled; after a delay the lost time is made up."""
        start = self._clock.now()
        while True:
            due = start + self._frames * FRAME_SECONDS
            early = due - self._clock.now()
            if early > 0:
                await self._clock.sleep(early)
            elif self._frames % _FRAMES_WITHOUT_REST == 0:
                await anyio.lowlevel.checkpoint()
            self._tick()

    def _tick(self) -> None:
        heard = self.to_phone.take()
        said = self._microphone.pick_up(self.from_phone.take(), heard)
        self._frames += 1
        if self._keep:
            self.heard += heard
            self.said += said
        if self.on_heard is not None:
            self.on_heard(heard)
        if self.on_said is not None:
            self.on_said(said)
