"""Which audio must be sent again after a lost connection? What was sent and not recognised."""

from __future__ import annotations

from collections import deque

from voicecall.model.media import FRAME_SECONDS

LIMIT_SECONDS = 15.0
"""How much is kept; the oldest is forgotten first."""


class UnheardAudio:
    """Frames of 20 ms from when they come until they are recognised; bounded.

    Seconds are those of the present connection: the first frame that it is sent is at zero.

    Args:
        limit_seconds: how much is kept; one frame more, and the oldest is forgotten.
    """

    def __init__(self, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._limit = round(limit_seconds / FRAME_SECONDS)
        self._frames: deque[bytes] = deque()
        self._settled = 0
        self._sent = 0
        self._forgotten = 0
        self._lost = 0

    @property
    def position(self) -> float:
        """How many seconds of audio this connection was sent."""
        return (self._settled + self._sent) * FRAME_SECONDS

    @property
    def caught_up(self) -> bool:
        """Whether everything that came was sent over this connection."""
        return self._sent == len(self._frames)

    @property
    def lost_seconds(self) -> float:
        """How much no connection recognised and none will, because it was forgotten first."""
        return self._lost * FRAME_SECONDS

    def add(self, frame: bytes) -> None:
        """`frame` came and is to be sent."""
        if len(self._frames) == self._limit:
            self._forget_oldest()
        self._frames.append(frame)

    def take(self) -> bytes | None:
        """The next frame to send, which then counts as sent; None: all are."""
        if self.caught_up:
            return None
        self._sent += 1
        return self._frames[self._sent - 1]

    def recognised(self, until: float) -> None:
        """Everything before `until`, in seconds of this connection, is settled."""
        settled = round(until / FRAME_SECONDS)
        # The forgotten ones are those just before the first that is kept.
        self._forgotten = min(self._forgotten, max(0, self._settled - settled))
        while self._sent and self._settled < settled:
            self._drop_oldest()

    def reconnect(self) -> None:
        """A new connection: everything that is kept is to be sent again."""
        self._lost += self._forgotten
        self._settled = self._sent = self._forgotten = 0

    def _forget_oldest(self) -> None:
        if self._sent:
            self._forgotten += 1
        else:
            self._lost += 1
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        self._frames.popleft()
        if self._sent:
            self._sent -= 1
            self._settled += 1
