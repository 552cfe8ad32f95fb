"""Which audio must be sent again after a lost connection? What was sent and not recognised."""

from __future__ import annotations

from collections import deque

from voicecall.sdk import FRAME_SECONDS

LIMIT_SECONDS = 15.0
"""How much is kept; the oldest is forgotten first."""


class Unheard:
    """Frames of 20 ms from when they come until they are recognised; bounded.

    Seconds are those of the present connection: the first frame that it is sent is at zero.
    """

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit = round(limit_seconds / FRAME_SECONDS)
        self._frames: deque[bytes] = deque()
        self._settled = 0
        self._sent = 0

    @property
    def position(self) -> float:
        """How many seconds of audio this connection was sent."""
        return (self._settled + self._sent) * FRAME_SECONDS

    def add(self, frame: bytes) -> None:
        """`frame` came and is to be sent."""
        if len(self._frames) == self._limit:
            self._drop_oldest()
        self._frames.append(frame)

    def take(self) -> bytes | None:
        """The next frame to send, which then counts as sent; None: all are."""
        if self._sent == len(self._frames):
            return None
        self._sent += 1
        return self._frames[self._sent - 1]

    def recognised(self, until: float) -> None:
        """Everything before `until` is settled."""
        while self._sent and (self._settled + 1) * FRAME_SECONDS <= until + FRAME_SECONDS / 2:
            self._drop_oldest()

    def reconnect(self) -> None:
        """A new connection: everything that is kept is to be sent again."""
        self._settled = self._sent = 0

    def _drop_oldest(self) -> None:
        self._frames.popleft()
        if self._sent:
            self._sent -= 1
            self._settled += 1
