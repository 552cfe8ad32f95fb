"""What is played next on a line, and when was it heard? A buffer with marks, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import anyio

from voicecall_mock.network.sound import FRAME_BYTES, SILENCE


class Playout:
    """Audio that waits to be played in one direction, 20 ms at a time."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._played = 0
        self._marks: deque[tuple[int, Callable[[], None]]] = deque()

    @property
    def busy(self) -> bool:
        """Whether something waits to be played."""
        return bool(self._waiting)

    def play(self, audio: bytes) -> None:
        """Play `audio` after everything that waits."""
        self._waiting += audio

    def mark(self, reached: Callable[[], None]) -> None:
        """Call `reached` when everything that waits was played, or is cleared."""
        self._marks.append((self._played + len(self._waiting), reached))

    def clear(self) -> None:
        """Drop what waits; its marks count as reached at once."""
        self._waiting.clear()
        marks, self._marks = self._marks, deque()
        for _, reached in marks:
            reached()

    def take(self) -> bytes:
        """The next frame, filled up with silence. The frame before it was heard by now."""
        while self._marks and self._marks[0][0] <= self._played:
            self._marks.popleft()[1]()
        if not self._waiting:
            return SILENCE
        frame = bytes(self._waiting[:FRAME_BYTES])
        del self._waiting[:FRAME_BYTES]
        self._played += len(frame)
        return frame if len(frame) == FRAME_BYTES else frame.ljust(FRAME_BYTES, b"\xff")

    async def play_through(self, audio: bytes) -> None:
        """Play `audio` and return when it was heard; when cancelled, it stops at once."""
        heard = anyio.Event()
        self.play(audio)
        self.mark(heard.set)
        try:
            await heard.wait()
        except BaseException:
            self.clear()
            raise
